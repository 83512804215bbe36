select nr + 67 as nr from {{ ref('hub') }}
