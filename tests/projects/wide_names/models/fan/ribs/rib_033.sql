select nr + 33 as nr from {{ ref('hub') }}
