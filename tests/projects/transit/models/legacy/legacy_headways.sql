{{ config(materialized='table') }}
select route_id, count(*) as trips from {{ ref('stg_gtfs__trips') }} group by 1
