select nr + 84 as nr from {{ ref('hub') }}
