{{ config(materialized='table') }}
select id, _dlt_id as row_key from {{ source('billing', 'invoices') }}
