{{ config(access='private') }}
select stop_id, route_id, due_s, due_s - lag(due_s) over (partition by stop_id, route_id, service_id order by due_s) as headway_s
from {{ ref('int_trip_stops') }}
