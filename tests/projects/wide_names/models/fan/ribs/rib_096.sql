select nr + 96 as nr from {{ ref('hub') }}
