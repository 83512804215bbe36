{{ config(materialized='external') }}
select invoice_id, amount from {{ ref('stg_invoices') }} where status = 'open'
