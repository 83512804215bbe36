{{ config(materialized='table') }}
select section, cents_per_view from {{ source('partners', 'ad_rates') }}
