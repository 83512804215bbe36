select c.trip_id, c.stop_id, s.stop_name, c.counted_on, c.boarded
from {{ ref('stg_vehicles__counts') }} c left join {{ ref('dim_stops', v=2) }} s using (stop_id)
