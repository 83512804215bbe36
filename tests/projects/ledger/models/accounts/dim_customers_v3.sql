{{ config(materialized='view') }}
select customer_id, name, country, tier, 'unreleased' as state from {{ ref('dim_customers', v=2) }}
