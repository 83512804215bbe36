select nr + 50 as nr from {{ ref('hub') }}
