select id as trip_id, route_id, service_id from {{ source('gtfs', 'trips') }}
