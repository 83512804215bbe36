select 1 as id from {{ ref('stg_customers') }} c join {{ ref('stg_orders') }} o using (customer_id)
