select nr + 35 as nr from {{ ref('hub') }}
