{% test of_length(model, column_name, characters) %}
    select {{ column_name }} from {{ model }} where length({{ column_name }}::varchar) <> {{ characters }}
{% endtest %}
