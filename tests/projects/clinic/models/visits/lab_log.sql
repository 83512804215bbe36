{{ config(materialized='incremental', incremental_strategy='append') }}
select lab_id, kind, result from {{ ref('stg_labs') }}
{% if is_incremental() %} where lab_id > (select max(lab_id) from {{ this }}) {% endif %}
