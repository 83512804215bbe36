select 1 where (select count(*) from {{ ref('dim_routes') }}) * (select count(*) from {{ ref('geo', 'dim_zones') }}) > 1000
