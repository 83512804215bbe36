select nr + 81 as nr from {{ ref('hub') }}
