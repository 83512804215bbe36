select nr + 70 as nr from {{ ref('hub') }}
