select nr + 71 as nr from {{ ref('hub') }}
