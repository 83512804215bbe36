select a.trip_id, s.route_id, a.stop_id, a.service_on, a.arrived_s - s.due_s as delay_s
from {{ ref('int_arrivals') }} a
join {{ ref('int_trip_stops') }} s using (trip_id, stop_id)
