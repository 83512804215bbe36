{% macro rate_of(settings) %}{{ settings.meta_get('rate') }}{% endmacro %}
