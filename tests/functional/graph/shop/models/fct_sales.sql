{{ config(materialized='table') }} select o.id, o.day from {{ ref('stg_orders') }} o join {{ ref('eph') }} e on e.id = o.product_id
