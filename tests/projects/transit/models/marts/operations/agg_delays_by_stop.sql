select s.stop_id, s.zone_id, count(d.delay_key) as arrivals, coalesce(max(d.delay_s), 0) as worst_s
from {{ ref('dim_stops') }} s left join {{ ref('fct_delays') }} d using (stop_id) group by all
