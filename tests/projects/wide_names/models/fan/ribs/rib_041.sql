select nr + 41 as nr from {{ ref('hub') }}
