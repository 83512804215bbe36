select nr + 83 as nr from {{ ref('hub') }}
