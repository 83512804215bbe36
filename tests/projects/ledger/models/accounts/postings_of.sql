{{ config(materialized='table_function', parameters=['wanted']) }}
select posting_id, amount from {{ ref('fct_postings') }} where account = wanted
