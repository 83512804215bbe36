select s.stop_id, s.stop_name, z.zone_id
from {{ ref('stg_gtfs__stops') }} s
join {{ ref('geo', 'dim_zones') }} z on s.lat >= z.lat_from and s.lat < z.lat_to
