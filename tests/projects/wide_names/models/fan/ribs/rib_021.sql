select nr + 21 as nr from {{ ref('hub') }}
