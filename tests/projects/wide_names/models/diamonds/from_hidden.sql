{{ config(materialized='incremental', incremental_strategy='append') }}
select nr, "Größe (mm)" from {{ ref('eph_ü') }}
{% if is_incremental() %} where nr > (select max(nr) from {{ this }}) {% endif %}
