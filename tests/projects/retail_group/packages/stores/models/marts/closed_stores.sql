{{ config(enabled=var('count_closed_stores'), materialized='view') }}
select store_id from {{ ref('stg_stores') }} where not is_open
