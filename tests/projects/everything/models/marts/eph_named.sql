{{ config(materialized='ephemeral') }}
select o.*, c.name from {{ ref('eph_orders') }} o join {{ ref('stg_customers') }} c using (customer_id)
