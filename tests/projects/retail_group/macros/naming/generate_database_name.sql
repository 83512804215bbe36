{% macro generate_database_name(custom_database_name=none, node=none) -%}
    {%- if custom_database_name is none -%}
        {{ target.database }}
    {%- else -%}
        {{ var('databases').get(custom_database_name, custom_database_name) }}
    {%- endif -%}
{%- endmacro %}
