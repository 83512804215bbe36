select
    p.product_group,
    sum(s.quantity) as shipped
    {%- if var('with_returns') %}, sum(coalesce(r.quantity, 0)) as returned{% endif %}
from {{ ref('fct_shipments') }} as s
join {{ ref('dim_products') }} as p on p.product_id = s.product_id
{% if var('with_returns') -%}
left join {{ ref('fct_returns') }} as r on r.product_id = s.product_id and r.store_id = s.store_id
{%- endif %}
group by p.product_group
