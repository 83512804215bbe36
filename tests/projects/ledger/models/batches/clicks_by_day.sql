{{ config(batch_size='day', lookback=2, begin=(run_started_at - modules.datetime.timedelta(days=4)).strftime('%Y-%m-%d')) }}
select id as click_id, clicked_at as posted_at from {{ source("books", "clicks") }}
