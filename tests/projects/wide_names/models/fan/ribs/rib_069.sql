select nr + 69 as nr from {{ ref('hub') }}
