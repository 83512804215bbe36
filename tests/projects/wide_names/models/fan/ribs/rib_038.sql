select nr + 38 as nr from {{ ref('hub') }}
