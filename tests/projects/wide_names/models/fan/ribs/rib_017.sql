select nr + 17 as nr from {{ ref('hub') }}
