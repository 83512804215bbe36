with counted as (select counted_on as ridden_on, sum(boarded) as boarded from {{ ref('fct_boardings') }} group by 1),
tapped as (select tapped_on as ridden_on, count(tap_id) as tapped from {{ ref('fct_journeys') }} group by 1)
select ridden_on, coalesce(boarded, 0)::int as boarded, coalesce(tapped, 0)::int as tapped
from counted full join tapped using (ridden_on)
