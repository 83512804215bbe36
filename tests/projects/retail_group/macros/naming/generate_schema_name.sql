{# Every model stands in a schema of its own, unless its package or folder names one. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if custom_schema_name is not none -%}
        {{ target.schema }}_{{ custom_schema_name | trim }}
    {%- elif node.resource_type == 'model' -%}
        {{ target.schema }}_{{ node.package_name }}_{{ node.name }}
    {%- else -%}
        {{ target.schema }}
    {%- endif -%}
{%- endmacro %}
