{{ config(materialized='table') }}
select colour from {{ ref('badge') }}
