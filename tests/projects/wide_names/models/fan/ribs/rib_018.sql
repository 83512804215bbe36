select nr + 18 as nr from {{ ref('hub') }}
