{{ config(incremental_strategy='delete+insert', unique_key=['account', 'cost_centre'],
    incremental_predicates=["DBT_INCREMENTAL_TARGET.account < 9000"]) }}
select account, cost_centre, sum(home_amount)::decimal(18, 2) as amount, '{{ "tonight" if is_incremental() else "first" }}' as built
from {{ ref('fct_postings') }} group by all
