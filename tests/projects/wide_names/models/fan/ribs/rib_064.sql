select nr + 64 as nr from {{ ref('hub') }}
