select nr + 5 as nr from {{ ref('hub') }}
