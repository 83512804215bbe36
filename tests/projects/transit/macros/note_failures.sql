{% macro note_failures(results) %}
    {% set failed = results | selectattr('status', 'in', ['error', 'fail']) | list %}
    insert into audit.runs values ('{{ target.name }}', '{{ failed | length }} went wrong')
{% endmacro %}
