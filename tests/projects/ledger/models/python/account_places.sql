{{ config(materialized='table') }}
select r.place, a.account_name from {{ ref('py_ranked') }} r join {{ ref('dim_accounts') }} a using (account)
