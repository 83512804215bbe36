select r.route_id, r.short_name, count(d.delay_key) as arrivals, coalesce(sum(d.delay_s), 0) as delay_s
from {{ ref('dim_routes') }} r left join {{ ref('fct_delays') }} d using (route_id) group by all
