select nr + 6 as nr from {{ ref('hub') }}
