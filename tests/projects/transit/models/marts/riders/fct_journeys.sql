select t.tap_id, t.card_id, t.tapped_on, t.cents, r.route_id, s.zone_id
from {{ ref('fares', 'fct_taps') }} t
left join {{ ref('stg_gtfs__trips') }} p using (trip_id)
left join {{ ref('dim_routes') }} r on r.route_id = p.route_id
left join {{ ref('dim_stops') }} s on s.stop_id = t.stop_id
