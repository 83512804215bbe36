select nr + 10 as nr from {{ ref('hub') }}
