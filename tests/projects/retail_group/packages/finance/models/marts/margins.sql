{% if execute and var('strict_margins') %}
    {{ exceptions.raise_compiler_error("margins are not strict yet") }}
{% endif %}
select s.product_id, sum(s.amount) - max(c.cost / c.quantity) * sum(s.quantity) as margin
from {{ ref('fct_sales') }} as s
join {{ ref('supply', 'fct_shipments') }} as c on c.product_id = s.product_id
join {{ ref('supply', 'dim_products') }} as p on p.product_id = s.product_id
group by s.product_id
