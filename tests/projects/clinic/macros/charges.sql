{% macro rate_per_minute() %}0.5{% endmacro %}

{% macro charge(minutes) %}
    ({{ minutes }} * {{ rate_per_minute() }} * (100 + {{ var('surcharge') }}) / 100)::decimal(18, 2)
{% endmacro %}

{% test no_future(model, column_name, as_of='2100-01-01') %}
    {{ config(severity='error', tags=['dates'], error_if='> 1', warn_if='>= 1') }}
    select {{ column_name }} from {{ model }} where {{ column_name }} > date '{{ as_of }}'
{% endtest %}

{% test same_count(model, to, column_name=none) %}
    {{ config(fail_calc='coalesce(max(difference), 0)', store_failures_as='view') }}
    select abs((select count(*) from {{ model }}) - (select count(*) from {{ to }})) as difference
{% endtest %}

{% test agrees_with(model, compare_to, by, values) %}
    select l.{{ by }}
    from {{ model }} l join {{ compare_to }} r using ({{ by }})
    where {% for value in values %}l.{{ value }} is distinct from r.{{ value }}{{ " or " if not loop.last }}{% endfor %}
{% endtest %}
