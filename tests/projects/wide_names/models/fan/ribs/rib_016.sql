select nr + 16 as nr from {{ ref('hub') }}
