{% if var('with_paid') %}
select 'subscription' as kind, paid_on as earned_on, cents from {{ ref('stg_billing__payments') }}
union all
{% endif %}
select 'syndication', a.published_on, s.fee_cents
from {{ ref('stg_partners__syndication') }} s join {{ ref('fct_articles') }} a using (article_id)
union all
select 'advertisement', day, cents from {{ ref('ad_revenue') }}
