select d.earned_on, d.cents, count(j.tap_id) as journeys
from {{ ref('fares', 'revenue_daily') }} d left join {{ ref('fct_journeys') }} j on j.tapped_on = d.earned_on group by all
