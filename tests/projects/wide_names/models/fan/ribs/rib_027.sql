select nr + 27 as nr from {{ ref('hub') }}
