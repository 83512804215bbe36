{% test is_tall_enough(model, column_name, least) %}
    select {{ column_name }} as "zu.klein" from {{ model }} where {{ column_name }} < {{ least }}
{% endtest %}
