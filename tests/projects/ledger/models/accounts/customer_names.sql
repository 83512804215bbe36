select n.customer_id, n.name, c.state from {{ ref('dim_customers', v=2) }} n join {{ ref('dim_customers', version=3) }} c using (customer_id)
