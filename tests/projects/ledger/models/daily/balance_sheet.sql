{{ config(group="finance", access="private", materialized='table', post_hook="comment on table {{ this }} is 'signed off'") }}
select a.account, a.amount, b.balance from {{ ref('account_days') }} a join {{ ref('int_trial_balance') }} b using (account)
