select nr + 66 as nr from {{ ref('hub') }}
