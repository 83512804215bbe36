select id as route_id, count(*) as states from {{ ref('snap_routes') }} group by id
