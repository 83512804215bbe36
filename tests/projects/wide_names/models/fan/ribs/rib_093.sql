select nr + 93 as nr from {{ ref('hub') }}
