select nr + 40 as nr from {{ ref('hub') }}
