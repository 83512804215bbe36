select nr from {{ ref('d2_a') }}
