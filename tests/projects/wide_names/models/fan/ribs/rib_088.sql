select nr + 88 as nr from {{ ref('hub') }}
