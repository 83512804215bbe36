{% test balanced(model, amount, per=none) %}
    select {{ per ~ ', ' if per }}sum({{ amount }}) as difference
    from {{ model }} {{ 'group by ' ~ per if per }} having sum({{ amount }}) <> 0
{% endtest %}
