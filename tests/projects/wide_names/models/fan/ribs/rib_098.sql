select nr + 98 as nr from {{ ref('hub') }}
