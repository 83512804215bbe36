select nr + 51 as nr from {{ ref('hub') }}
