select nr + 44 as nr from {{ ref('hub') }}
