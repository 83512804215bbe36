{{ config(materialized='table') }}
select 'green' as colour
