{{ config(materialized='external', location='exports/balances.parquet', format='parquet') }}
select * from {{ ref('customer_balance') }}
