{% test newer_than(model, column_name, day) %}
    select {{ column_name }} from {{ model }} where {{ column_name }} < '{{ day }}'
{% endtest %}
