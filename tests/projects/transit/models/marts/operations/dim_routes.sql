select r.route_id, r.short_name, r.kind, c.color
from {{ ref('stg_gtfs__routes') }} r
left join {{ ref('line_colors') }} c using (route_id)
