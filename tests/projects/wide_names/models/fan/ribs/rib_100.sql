select nr + 100 as nr from {{ ref('hub') }}
