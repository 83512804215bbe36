{{ config(materialized='view') }}
select ward, beds, dbt_valid_to is null as stands, '{{ env_var("CLINIC_REGION", "south") }}' as region from {{ ref('wards_history') }}
