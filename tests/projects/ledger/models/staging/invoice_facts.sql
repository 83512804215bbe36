{{ config(materialized='ephemeral') }}
select invoice_id, customer_id, status, amount from {{ ref('stg_invoices') }}
