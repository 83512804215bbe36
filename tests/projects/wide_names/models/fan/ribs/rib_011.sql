select nr + 11 as nr from {{ ref('hub') }}
