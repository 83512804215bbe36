{{ config(alias='stores', pre_hook=["{{ shared_macros.audit_line('dim_stores from its own file') }}"]) }}
select
    s.store_id,
    {{ dbt.concat(['r.region_name', "' / '", 's.store_name']) }} as store_name,
    s.format,
    f.square_metres,
    count(p.staff_id) as people
from {{ ref('stg_stores') }} as s
join {{ ref('regions') }} as r on r.region_id = s.region_id
left join {{ ref('store_formats') }} as f on f.format = s.format
left join {{ ref('stg_staff') }} as p on p.store_id = s.store_id
{% if not var('count_closed_stores') %} where s.is_open {% endif %}
group by all
