select nr + 82 as nr from {{ ref('hub') }}
