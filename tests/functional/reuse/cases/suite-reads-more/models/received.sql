{{ config(materialized='table') }}
select number from range({{ var('received', 4) }}) r(number)
