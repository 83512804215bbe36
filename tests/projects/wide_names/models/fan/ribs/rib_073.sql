select nr + 73 as nr from {{ ref('hub') }}
