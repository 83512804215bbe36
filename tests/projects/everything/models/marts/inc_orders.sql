{{ config(materialized='incremental', unique_key='order_id') }}
select order_id, amount, '{{ "again" if is_incremental() else "first" }}' as built from {{ ref('fct_orders') }}
{% if is_incremental() %} where order_id > 11 {% endif %}
