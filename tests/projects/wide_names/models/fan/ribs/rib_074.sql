select nr + 74 as nr from {{ ref('hub') }}
