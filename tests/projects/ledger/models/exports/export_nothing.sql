{{ config(materialized='external', location='exports/nothing.csv', format='csv') }}
select invoice_id, status from {{ ref('stg_invoices') }} where false
