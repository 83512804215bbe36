-- over models of three packages
{{ config(severity='error', tags=['books']) }}
select sales.sale_id
from {{ ref('finance', 'fct_sales') }} as sales
left join {{ ref('stores', 'dim_stores') }} as stores on stores.store_id = sales.store_id
left join {{ ref('supply', 'dim_products') }} as products on products.product_id = sales.product_id
where stores.store_id is null or products.product_id is null
