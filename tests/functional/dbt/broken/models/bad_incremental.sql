{{ config(materialized='incremental', unique_key='nothing') }}
select order_id / 'x' as y from {{ ref('stg_orders') }}
