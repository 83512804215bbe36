select nr + 25 as nr from {{ ref('hub') }}
