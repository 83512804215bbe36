select nr + 8 as nr from {{ ref('hub') }}
