{{ config(materialized='view') }}
select distinct nr, side from (
select nr, side + 2 as side from {{ ref('d2_a') }}
union all
select nr, side + 2 as side from {{ ref('d2_b') }}
union all
select nr, side + 2 as side from {{ ref('d2_c') }}
)
