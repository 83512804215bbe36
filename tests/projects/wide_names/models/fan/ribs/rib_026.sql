select nr + 26 as nr from {{ ref('hub') }}
