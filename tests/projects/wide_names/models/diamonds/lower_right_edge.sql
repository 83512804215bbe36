select nr, side from {{ ref('d3_c') }}
