{{ config(materialized='keyed_table', key='customer_id') }}
select customer_id, upper(name) as search_name from {{ ref('stg_customers') }}
