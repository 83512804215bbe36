select nr + 78 as nr from {{ ref('hub') }}
