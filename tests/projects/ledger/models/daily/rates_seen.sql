{{ config(unique_key='currency', on_schema_change='ignore') }}
select currency, rate, valid_on from {{ ref('fx_rates') }}
