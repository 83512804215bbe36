select id as stop_id, name as stop_name, lat, lon from {{ source('gtfs', 'stops') }}
