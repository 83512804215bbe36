{% macro first_year() %}{{ return((run_started_at.year - 2) ~ '-01-01') }}{% endmacro %}
