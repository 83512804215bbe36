{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='happened_at', batch_size='year',
    begin='2021-01-01', concurrent_batches=true) }}
select event_id, happened_at, case when event_id = 3 then error('bad year') end as x from {{ ref('stg_events') }}
