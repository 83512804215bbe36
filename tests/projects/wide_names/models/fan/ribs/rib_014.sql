select nr + 14 as nr from {{ ref('hub') }}
