select nr + 94 as nr from {{ ref('hub') }}
