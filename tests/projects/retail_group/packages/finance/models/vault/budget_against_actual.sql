{{ config(materialized='table', group='controllers') }}
select a.account, a.budget, coalesce(s.amount, 0) as actual
from {{ ref('dim_accounts') }} as a
left join {{ ref('sales_by_account') }} as s on s.account = a.account
