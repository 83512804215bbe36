select nr + 9 as nr from {{ ref('hub') }}
