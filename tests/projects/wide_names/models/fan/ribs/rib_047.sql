select nr + 47 as nr from {{ ref('hub') }}
