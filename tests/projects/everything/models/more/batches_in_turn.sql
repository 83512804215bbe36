{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='happened_at', batch_size='year',
    begin='2021-01-01', concurrent_batches=false) }}
select event_id, happened_at from {{ ref('stg_events') }}
