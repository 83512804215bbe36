{# The share of a group's rows for which a condition holds, with four decimals.

   Not round(a / b, 4): DuckDB divides whole numbers to a float, PostgreSQL to a whole number, and only DuckDB rounds
   floats to decimals. A cast to numeric rounds halves away from zero on both. #}
{% macro share_where(condition) -%}
    cast(count(*) filter (where {{ condition }}) * 1.0 / count(*) as numeric(5, 4))
{%- endmacro %}
