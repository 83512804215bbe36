{{ config(batch_size='month', begin=run_started_at.strftime('%Y-01-01'), event_time='posted_at', tags=['long']) }}
select posting_id, posted_at from {{ ref('stg_postings').render() }}
