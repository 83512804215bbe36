{{ config(batch_size='year', begin=first_year(), concurrent_batches=true) }}
select posting_id, posted_at, 1 / (case when posting_id > 0 then 1 else 0 end) as one from {{ ref('stg_postings') }}
