select store_id, sum(amount) as amount from {{ ref('fct_sales') }} group by store_id
