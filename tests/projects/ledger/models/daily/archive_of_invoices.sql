{{ config(incremental_strategy='append', full_refresh=false) }}
select invoice_id, 'from the books' as note from {{ ref('stg_invoices') }}
{% if is_incremental() %} where invoice_id > 103 {% endif %}
