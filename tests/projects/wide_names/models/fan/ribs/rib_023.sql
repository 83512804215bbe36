select nr + 23 as nr from {{ ref('hub') }}
