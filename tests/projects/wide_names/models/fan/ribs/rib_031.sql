select nr + 31 as nr from {{ ref('hub') }}
