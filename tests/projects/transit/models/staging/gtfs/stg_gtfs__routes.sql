select id as route_id, short_name, kind from {{ source('gtfs', 'routes') }}
