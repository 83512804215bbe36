select account, sum(amount) as amount from {{ ref('fct_sales') }} group by account
