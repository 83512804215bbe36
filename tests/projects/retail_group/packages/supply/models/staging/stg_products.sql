select product_id, product_name, product_group, {{ shared_macros.to_units('price_cents') }} as price, supplier_id, changed_at
from {{ source('warehouse', 'products') }}
