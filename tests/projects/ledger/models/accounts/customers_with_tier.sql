select customer_id, name, country, coalesce(tier, 'none') as tier from {{ ref('stg_customers') }}
