{{ config(materialized='table') }}
select hour from range(24) r(hour)
{% if not flags.FULL_REFRESH %} where hour >= 20 {% endif %}
