{% macro duckdb__scalar_function_sql(target_relation) %}
    create or replace macro {{ target_relation.include(database=false) }}({{ formatted_scalar_function_args_sql() }}) as
    {{ model.compiled_code }}
{% endmacro %}

{% macro duckdb__formatted_scalar_function_args_sql() %}
    {%- for arg in model.arguments %}{{ arg.name }}{{ ", " if not loop.last }}{% endfor -%}
{% endmacro %}
