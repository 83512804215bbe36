{{ config(materialized='view') }}
select account, sum(home_amount) as balance from {{ ref('fct_postings') }} group by account
