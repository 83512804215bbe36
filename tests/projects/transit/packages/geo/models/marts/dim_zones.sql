{{ config(materialized='table', enabled=var('zones_enabled')) }}
select zone_id, lat_from, lat_to from {{ ref('stg_geo__zones') }}
