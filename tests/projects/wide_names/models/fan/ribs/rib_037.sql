select nr + 37 as nr from {{ ref('hub') }}
