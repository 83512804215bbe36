select nr + 61 as nr from {{ ref('hub') }}
