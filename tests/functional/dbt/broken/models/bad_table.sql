{{ config(materialized='table') }}
select order_id, error('no such luck') as x from {{ ref('stg_orders') }}
