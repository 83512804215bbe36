select nr + 20 as nr from {{ ref('hub') }}
