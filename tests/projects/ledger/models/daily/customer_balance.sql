{{ config(incremental_strategy='merge', unique_key='customer_id') }}
select i.customer_id, (sum(i.amount) - coalesce(sum(p.amount), 0))::decimal(18, 2) as balance,
    '{{ "tonight" if is_incremental() else "first" }}' as built
from {{ ref('stg_invoices') }} i left join {{ ref('stg_payments') }} p using (invoice_id)
where i.status <> 'void' group by all
