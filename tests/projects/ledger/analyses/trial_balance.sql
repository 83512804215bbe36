select * from {{ ref('fct_postings') }} where currency = '{{ var("home_currency") }}'
