{{ config(materialized='view') }}
{% set visits = source('log', 'visits') %}
{{ dbt.date_spine('day', '(select min(day::date) from ' ~ visits ~ ')', '(select max(day::date) from ' ~ visits ~ ')') }}
