select nr + 76 as nr from {{ ref('hub') }}
