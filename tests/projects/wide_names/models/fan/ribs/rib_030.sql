select nr + 30 as nr from {{ ref('hub') }}
