{{ config(materialized='table') }}
select 'old' as version
