{{ config(unique_key='currency', on_schema_change='fail') }}
select currency, rate from {{ ref('fx_rates') }}
