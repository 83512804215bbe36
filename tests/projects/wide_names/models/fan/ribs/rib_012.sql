select nr + 12 as nr from {{ ref('hub') }}
