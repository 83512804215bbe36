{# The division's own rule: it wins over the group's for the nodes of this package. #}
{% macro generate_alias_name(custom_alias_name=none, node=none) -%}
    {{ custom_alias_name if custom_alias_name else node.name ~ ('_ref' if node.resource_type == 'seed' else '') }}
{%- endmacro %}
