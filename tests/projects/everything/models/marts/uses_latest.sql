select * from {{ ref('dim_customers') }} union all by name select * from {{ ref('dim_customers', v=1) }}
