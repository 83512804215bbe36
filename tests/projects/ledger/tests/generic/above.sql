{% test above(model, column_name, limit_value) %}
    {{ config(severity='error', fail_calc='count(*)') }}
    select * from {{ model }} where {{ column_name }} <= {{ limit_value }}
{% endtest %}
