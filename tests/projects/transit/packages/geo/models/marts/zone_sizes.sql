{{ config(enabled=var('zones_enabled')) }}
select zone_id, lat_to - lat_from as height from {{ ref('dim_zones') }}
