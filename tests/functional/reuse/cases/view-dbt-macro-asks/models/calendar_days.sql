{{ config(materialized='table') }}
select count(*)::integer as days from {{ ref('calendar') }}
