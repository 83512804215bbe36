select nr + 85 as nr from {{ ref('hub') }}
