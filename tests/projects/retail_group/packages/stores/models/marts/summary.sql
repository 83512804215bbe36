select s.format, sum(v.visitors) as visitors
from {{ ref('dim_stores') }} as s
join {{ ref('fct_visits') }} as v on v.store_id = s.store_id
group by s.format
