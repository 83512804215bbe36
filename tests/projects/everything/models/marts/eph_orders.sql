{{ config(materialized='ephemeral') }}
select order_id, customer_id, amount, ordered_on from {{ ref('stg_orders') }}
