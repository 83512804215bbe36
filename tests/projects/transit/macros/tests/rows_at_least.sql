{% test rows_at_least(model, rows) %}
    {{ config(fail_calc="coalesce(sum(missing), 0)", meta={"kind": "volume"}) }}
    select {{ rows }} - count(*) as missing from {{ model }} having count(*) < {{ rows }}
{% endtest %}

{% test same_rows_as(model, column_name, other) %}
    (select {{ column_name }} from {{ model }} except select {{ column_name }} from {{ other }})
    union all
    (select {{ column_name }} from {{ other }} except select {{ column_name }} from {{ model }})
{% endtest %}
