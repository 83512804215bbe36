select nr + 68 as nr from {{ ref('hub') }}
