select c.route_id, round({{ function('per_day') }}(a.cents / 100, (select max(days) from {{ ref('int_service_days') }})) / c.cost_per_day, 3) as recovery,
    o.delay_s
from {{ ref('service_costs') }} c
join {{ ref('agg_revenue_by_route') }} a using (route_id)
left join {{ ref('otp_scorecard') }} o using (route_id)
