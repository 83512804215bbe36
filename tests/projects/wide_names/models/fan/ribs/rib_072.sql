select nr + 72 as nr from {{ ref('hub') }}
