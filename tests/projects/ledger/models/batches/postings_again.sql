{{ config(batch_size='year', lookback=1, begin=first_year()) }}
select posting_id, posted_at, '{{ "tonight" if is_incremental() else "first" }}' as built from {{ ref('stg_postings') }}
