select nr from {{ ref('d3_a') }}
