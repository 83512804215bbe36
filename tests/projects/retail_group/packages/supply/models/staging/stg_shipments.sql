select shipment_id, product_id, store_id, quantity, shipped_on
from {{ source('warehouse', 'shipments') }}
where shipped_on >= date '{{ var("since") }}'
