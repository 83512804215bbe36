select account, amount, '{{ var("currency") }}' as currency from {{ source('ledger', 'budgets') }}
