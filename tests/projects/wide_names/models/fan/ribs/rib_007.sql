select nr + 7 as nr from {{ ref('hub') }}
