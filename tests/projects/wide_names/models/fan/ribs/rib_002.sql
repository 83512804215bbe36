select nr + 2 as nr from {{ ref('hub') }}
