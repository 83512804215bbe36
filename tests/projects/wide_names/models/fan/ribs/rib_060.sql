select nr + 60 as nr from {{ ref('hub') }}
