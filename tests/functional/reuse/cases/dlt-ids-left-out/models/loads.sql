{{ config(materialized='table') }}
select distinct _dlt_load_id as load from {{ source('billing', 'invoices') }}
