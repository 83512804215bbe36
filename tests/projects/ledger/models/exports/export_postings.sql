{{ config(materialized='external', location='exports/postings.csv', options={'delimiter': ';', 'header': true}) }}
select posting_id, account, amount from {{ ref('fct_postings') }}
