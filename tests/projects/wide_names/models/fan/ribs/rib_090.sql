select nr + 90 as nr from {{ ref('hub') }}
