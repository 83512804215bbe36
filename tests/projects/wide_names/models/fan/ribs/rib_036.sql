select nr + 36 as nr from {{ ref('hub') }}
