select nr + 43 as nr from {{ ref('hub') }}
