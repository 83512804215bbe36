select nr + 80 as nr from {{ ref('hub') }}
