{{ config(materialized='table') }}
select most * 2 as most from {{ ref('limits') }}
