{{ config(materialized='incremental', unique_key='visit_id', incremental_strategy='delete+insert', alias='visits') }}
select visit_id, store_id, visited_on, visitors
from {{ ref('stg_visits') }}
{% if is_incremental() %} where visited_on >= (select max(visited_on) from {{ this }}) {% endif %}
