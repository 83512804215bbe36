{{ config(severity='warn', error_if='>10', warn_if='>0') }}
select sales.sale_id
from {{ ref('fct_sales') }} as sales
join {{ ref('fct_shipments') }} as shipped using (product_id, store_id)
where shipped.shipped_on > sales.sold_on
