{% test is_positive(model, column_name) %}
    select {{ column_name }} from {{ model }} where {{ column_name }} <= 0
{% endtest %}

{% test rows_between(model, least=1, most=1000) %}
    {{ config(fail_calc='coalesce(max(off_by), 0)') }}
    select count(*) as off_by from {{ model }} having count(*) not between {{ least }} and {{ most }}
{% endtest %}

{% test same_rows(model, compare_to) %}
    select * from (
        select (select count(*) from {{ model }}) as here, (select count(*) from {{ compare_to }}) as there
    ) where here <> there
{% endtest %}
