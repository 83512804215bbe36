select nr + 56 as nr from {{ ref('hub') }}
