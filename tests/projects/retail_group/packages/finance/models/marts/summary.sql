select d.store_name, v.amount, d.payroll, m.total_margin
from {{ ref('int_sales_by_store') }} as v
join {{ ref('dim_stores') }} as d on d.store_id = v.store_id
cross join (select sum(margin) as total_margin from {{ ref('margins') }}) as m
