{{ config(materialized='view') }}
select distinct nr, side from (
select nr, side + 2 as side from {{ ref('d3_a') }}
union all
select nr, side + 2 as side from {{ ref('d3_b') }}
union all
select nr, side + 2 as side from {{ ref('d3_c') }}
)
