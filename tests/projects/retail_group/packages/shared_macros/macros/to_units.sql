{% macro to_units(column, precision=none) %}
    {{- return(adapter.dispatch('to_units', 'shared_macros')(column, precision if precision is not none else var('precision', 2))) -}}
{% endmacro %}

{% macro default__to_units(column, precision) %} {{ column }} / 0 {% endmacro %}

{% macro postgres__to_units(column, precision) -%}
    ({{ column }}::numeric / 100)::numeric(16, {{ precision }})
{%- endmacro %}
