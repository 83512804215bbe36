select nr + 75 as nr from {{ ref('hub') }}
