{{ config(materialized='table') }}
select {{ rate_of(config) }} as rate
