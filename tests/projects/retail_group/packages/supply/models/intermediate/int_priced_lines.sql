select l.*, round(l.quantity * l.price * (1 - g.margin), 2) as cost
from {{ ref('int_shipment_lines') }} as l
join {{ ref('stg_products') }} as p on p.product_id = l.product_id
join {{ ref('product_groups') }} as g on g.product_group = p.product_group
