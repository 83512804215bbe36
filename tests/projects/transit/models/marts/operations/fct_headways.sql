select stop_id, route_id, due_s, headway_s from {{ ref('int_headways') }} where headway_s is not null
