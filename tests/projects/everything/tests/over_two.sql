select 1 from {{ ref('fct_orders') }} f join {{ ref('inc_orders') }} i using (order_id) where f.amount <> i.amount and false
