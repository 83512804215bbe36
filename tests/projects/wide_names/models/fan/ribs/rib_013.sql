select nr + 13 as nr from {{ ref('hub') }}
