select nr + 97 as nr from {{ ref('hub') }}
