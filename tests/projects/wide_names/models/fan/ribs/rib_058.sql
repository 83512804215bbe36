select nr + 58 as nr from {{ ref('hub') }}
