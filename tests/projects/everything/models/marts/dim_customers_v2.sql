select c.customer_id, c.name, count(f.order_id) as orders
from {{ ref('stg_customers') }} c left join {{ ref('fct_orders') }} f using (customer_id) group by all
