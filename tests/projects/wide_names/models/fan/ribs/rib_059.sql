select nr + 59 as nr from {{ ref('hub') }}
