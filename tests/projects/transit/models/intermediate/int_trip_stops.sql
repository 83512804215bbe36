{{ config(materialized='ephemeral') }}
select trip_id, route_id, service_id, stop_id, seq, due_s
from {{ ref('stg_gtfs__stop_times') }}
join {{ ref('stg_gtfs__trips') }} using (trip_id)
