{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='happened_at', batch_size='year',
    begin='2021-01-01', concurrent_batches=true, pre_hook="insert into audit.hooks values ('first batch')") }}
select event_id, happened_at from {{ ref('stg_events') }}
