select nr + 42 as nr from {{ ref('hub') }}
