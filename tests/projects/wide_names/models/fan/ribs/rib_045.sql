select nr + 45 as nr from {{ ref('hub') }}
