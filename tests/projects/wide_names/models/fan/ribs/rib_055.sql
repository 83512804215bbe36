select nr + 55 as nr from {{ ref('hub') }}
