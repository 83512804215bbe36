{% if var('use_realtime') %}
select trip_id, stop_id, seen_on as service_on, seen_s as arrived_s from {{ ref('stg_vehicles__positions') }}
{% else %}
select trip_id, stop_id, runs_on as service_on, due_s as arrived_s
from {{ ref('int_trip_stops') }} join {{ ref('stg_gtfs__calendar') }} using (service_id)
{% endif %}
