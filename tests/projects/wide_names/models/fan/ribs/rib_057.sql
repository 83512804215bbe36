select nr + 57 as nr from {{ ref('hub') }}
