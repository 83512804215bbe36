{% test sums_to(model, column_name, total, tolerance=0.01) %}
    {{ config(fail_calc='coalesce(sum(off_by), 0)', store_failures=false) }}
    select abs(sum({{ column_name }}) - {{ total }}) as off_by
    from {{ model }}
    having abs(sum({{ column_name }}) - {{ total }}) > {{ tolerance }}
{% endtest %}
