select p.product_id, p.product_name, p.product_group, p.price, s.supplier_name
from {{ ref('stg_products') }} as p
join {{ ref('stg_suppliers') }} as s on s.supplier_id = p.supplier_id
