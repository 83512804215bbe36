select nr + 91 as nr from {{ ref('hub') }}
