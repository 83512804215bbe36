{% macro whose_query(node) %}
    {%- if node is none -%} retail group, nobody's {%- else -%} retail group, {{ node.package_name }}, {{ target.name }} {%- endif -%}
{% endmacro %}
