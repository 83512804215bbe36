{# Found before dbt's own, because the root project's dispatch puts this package before it. #}
{% macro duckdb__concat(fields) -%}
    concat_ws('', {{ fields | join(', ') }})
{%- endmacro %}
