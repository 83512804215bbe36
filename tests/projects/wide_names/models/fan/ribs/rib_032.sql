select nr + 32 as nr from {{ ref('hub') }}
