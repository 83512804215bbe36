select nr + 62 as nr from {{ ref('hub') }}
