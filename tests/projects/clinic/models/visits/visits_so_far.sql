{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='visit_id') }}
select visit_id, patient_id, charge, came_on from {{ ref('visit_costs') }}
{% if is_incremental() %} where came_on >= (select max(came_on) from {{ this }}) {% endif %}
