{{ config(unique_key='currency', on_schema_change='sync_all_columns') }}
select currency, rate, valid_on from {{ ref('fx_rates') }}
