select day, statement, amount::decimal(18, 2) as amount, 'main' as book from {{ source('bank', 'main') }}
union all
select day, statement, amount, 'petty' from {{ source('bank', 'petty') }}
