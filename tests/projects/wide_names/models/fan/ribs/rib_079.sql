select nr + 79 as nr from {{ ref('hub') }}
