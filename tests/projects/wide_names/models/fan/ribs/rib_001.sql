select nr + 1 as nr from {{ ref('hub') }}
