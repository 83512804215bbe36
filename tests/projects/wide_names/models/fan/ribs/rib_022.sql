select nr + 22 as nr from {{ ref('hub') }}
