{{ config(materialized='table') }}
select '{{ var("colour", "red") }}' as colour
