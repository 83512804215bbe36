select zone_id, lat_from, lat_to from {{ ref('zones') }}
