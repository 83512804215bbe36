select nr + 54 as nr from {{ ref('hub') }}
