{{ config(materialized='view') }}
select ward, beds, dbt_valid_to is null as stands from {{ ref('wards_history') }}
