select nr + 89 as nr from {{ ref('hub') }}
