{{ config(group='store_ops') }}
select s.store_id
from {{ ref('stg_stores') }} as s
left join {{ ref('stg_staff') }} as p on p.store_id = s.store_id
where p.staff_id is null
