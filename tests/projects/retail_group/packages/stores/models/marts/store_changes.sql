{{ config(materialized='view', schema='history') }}
select store_id, count(*) as states from {{ ref('store_history') }} group by store_id
