select nr + 29 as nr from {{ ref('hub') }}
