select nr + 48 as nr from {{ ref('hub') }}
