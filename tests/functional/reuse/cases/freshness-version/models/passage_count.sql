{{ config(materialized='table') }}
select count(*)::integer as passages from {{ source('gates', 'passages') }}
