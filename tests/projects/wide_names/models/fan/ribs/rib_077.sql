select nr + 77 as nr from {{ ref('hub') }}
