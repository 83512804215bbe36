{{ config(materialized='ephemeral') }}
select trip_id, route_id, stop_id as from_stop, lead(stop_id) over in_turn as to_stop, lead(due_s) over in_turn - due_s as seconds
from {{ ref('int_trip_stops') }}
window in_turn as (partition by trip_id order by seq)
