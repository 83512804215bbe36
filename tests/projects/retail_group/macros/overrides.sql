{# Found before the packages' own, by the search order of dispatch. #}
{% macro default__to_units(column, precision) -%}
    round({{ column }} / 100.0, {{ precision }})
{%- endmacro %}

{# Called by dbt itself for every data test. #}
{% macro get_where_subquery(relation) -%}
    {% set where = config.get('where', '') %}
    {%- if where -%}
        (select * from {{ relation }} where {{ where | replace('__since__', "date '2024-01-01'") }}) as narrowed
    {%- else -%}
        {{ relation }}
    {%- endif -%}
{%- endmacro %}
