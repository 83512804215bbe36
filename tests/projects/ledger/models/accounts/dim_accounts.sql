select account, "Account Name" as account_name, kind, {{ function('account_kind') }}(account) as kind_by_function
from {{ ref('chart_of_accounts') }}
