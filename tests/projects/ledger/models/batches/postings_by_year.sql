{{ config(batch_size='year', begin=first_year(), concurrent_batches=false) }}
select posting_id, account, home_amount, posted_at from {{ ref('fct_postings') }}
