{% test within(model, column_name, least, most) %}
    {{ config(severity='warn', tags=['ranges'], meta={'kind': 'range'}) }}
    select {{ column_name }}, count(*) as rows_of_it
    from {{ model }}
    where {{ column_name }} not between {{ least }} and {{ most }}
    group by {{ column_name }}
{% endtest %}
