select c.customer_id, c.tier, count(i.invoice_id) as invoices, sum(i.amount) as amount
from {{ ref('dim_customers') }} c left join {{ ref('stg_invoices') }} i using (customer_id) group by all
