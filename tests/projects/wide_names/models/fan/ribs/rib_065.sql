select nr + 65 as nr from {{ ref('hub') }}
