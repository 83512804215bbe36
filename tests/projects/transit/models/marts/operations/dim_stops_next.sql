select stop_id, zone_id, 'planned' as status from {{ ref('dim_stops', v=2) }}
