select nr + 63 as nr from {{ ref('hub') }}
