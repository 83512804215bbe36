select nr + 92 as nr from {{ ref('hub') }}
