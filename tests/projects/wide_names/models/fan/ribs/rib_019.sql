select nr + 19 as nr from {{ ref('hub') }}
