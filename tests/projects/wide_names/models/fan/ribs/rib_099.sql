select nr + 99 as nr from {{ ref('hub') }}
