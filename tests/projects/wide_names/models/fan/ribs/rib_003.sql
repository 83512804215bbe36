select nr + 3 as nr from {{ ref('hub') }}
