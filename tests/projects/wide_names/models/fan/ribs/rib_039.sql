select nr + 39 as nr from {{ ref('hub') }}
