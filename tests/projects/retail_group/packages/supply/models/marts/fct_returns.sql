{{ config(enabled=var('with_returns') and not var('with_forecast')) }}
select r.return_id, r.quantity, s.product_id, s.store_id
from {{ ref('stg_returns') }} as r
join {{ ref('fct_shipments') }} as s on s.shipment_id = r.shipment_id
