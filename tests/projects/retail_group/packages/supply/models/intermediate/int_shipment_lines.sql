select s.shipment_id, s.product_id, s.store_id, s.quantity, s.shipped_on, p.price
from {{ ref('stg_shipments') }} as s
join {{ ref('stg_products') }} as p on p.product_id = s.product_id
