{{ config(materialized='table') }}
select number from range(4) r(number)
