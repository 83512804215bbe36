select nr + 34 as nr from {{ ref('hub') }}
