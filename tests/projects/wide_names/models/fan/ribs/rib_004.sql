select nr + 4 as nr from {{ ref('hub') }}
