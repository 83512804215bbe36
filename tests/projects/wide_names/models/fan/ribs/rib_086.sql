select nr + 86 as nr from {{ ref('hub') }}
