{{ config(materialized='table') }} select count(*) as depths from {{ source('raw', 'depths') }}
