select nr + 46 as nr from {{ ref('hub') }}
