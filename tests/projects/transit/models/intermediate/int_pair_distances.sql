{{ config(materialized='ephemeral', tags=['heavy']) }}
select p.trip_id, p.route_id, p.from_stop, p.to_stop, p.seconds,
    round(sqrt(power(a.lat - b.lat, 2) + power(a.lon - b.lon, 2)) * 100, 3) as distance
from {{ ref('int_stop_pairs') }} p
join {{ ref('stg_gtfs__stops') }} a on a.stop_id = p.from_stop
join {{ ref('stg_gtfs__stops') }} b on b.stop_id = p.to_stop
