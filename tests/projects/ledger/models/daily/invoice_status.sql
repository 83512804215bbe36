{{ config(incremental_strategy='delete+insert', unique_key='invoice_id') }}
select invoice_id, status, '{{ "tonight" if is_incremental() else "first" }}' as built from {{ ref('stg_invoices') }}
