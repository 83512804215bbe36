select nr, count(*) as sides from (
select * from {{ ref('d4_a') }}
union all
select * from {{ ref('d4_b') }}
union all
select * from {{ ref('d4_c') }}
) group by nr
