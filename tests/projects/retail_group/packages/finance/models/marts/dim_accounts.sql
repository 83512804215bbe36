select a.account, a.account_name, b.amount as budget, b.currency
from {{ ref('accounts') }} as a
left join {{ ref('stg_budgets') }} as b on b.account = a.account
