select nr + 87 as nr from {{ ref('hub') }}
