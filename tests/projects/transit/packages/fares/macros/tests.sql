{% test not_negative(model, column_name) %}
    select {{ column_name }} from {{ model }} where {{ column_name }} < 0
{% endtest %}

{% test unique_together(model, columns) %}
    select {{ columns | join(', ') }} from {{ model }} group by all having count(*) > 1
{% endtest %}
