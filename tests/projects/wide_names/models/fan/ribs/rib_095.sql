select nr + 95 as nr from {{ ref('hub') }}
