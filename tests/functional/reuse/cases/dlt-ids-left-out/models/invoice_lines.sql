{{ config(materialized='table') }}
select cents, _dlt_parent_id as row_key from {{ source('billing', 'invoices__lines') }}
