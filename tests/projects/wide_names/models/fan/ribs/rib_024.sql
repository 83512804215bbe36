select nr + 24 as nr from {{ ref('hub') }}
