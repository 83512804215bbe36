with seen as (select reader, count(*) as views from {{ ref('stg_web__page_views') }} group by reader)
select s.reader, s.views, e.device{% if var('with_paid') %}, b.plan{% endif %}
from seen s
left join {{ ref('stg_web__sessions') }} e using (reader)
{% if var('with_paid') %}
left join {{ ref('stg_billing__subscriptions') }} b using (reader)
{% endif %}
