select b.account
from {{ ref('stg_budgets') }} as b
left join {{ ref('accounts') }} as a on a.account = b.account
where a.account is null
