{{ config(incremental_strategy='append') }}
select posting_id, account, '{{ "tonight" if is_incremental() else "first" }}' as built from {{ ref('fct_postings') }}
{% if is_incremental() %} where posting_id > (select max(posting_id) from {{ this }}) {% endif %}
