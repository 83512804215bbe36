select nr + 28 as nr from {{ ref('hub') }}
