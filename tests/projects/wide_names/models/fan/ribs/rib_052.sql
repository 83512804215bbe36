select nr + 52 as nr from {{ ref('hub') }}
