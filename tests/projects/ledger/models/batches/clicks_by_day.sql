{{ config(batch_size='day', lookback=2, begin='2020-01-01') }}
select id as click_id, clicked_at as posted_at from {{ source("books", "clicks") }}
