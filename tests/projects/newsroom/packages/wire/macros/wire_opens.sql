{% macro wire_opens() %}create table if not exists wire_starts as select 1 as started{% endmacro %}
