select nr + 49 as nr from {{ ref('hub') }}
