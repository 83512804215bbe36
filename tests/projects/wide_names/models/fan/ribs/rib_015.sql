select nr + 15 as nr from {{ ref('hub') }}
