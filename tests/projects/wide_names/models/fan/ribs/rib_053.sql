select nr + 53 as nr from {{ ref('hub') }}
