{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='passed_at', batch_size='year', begin='2024-01-01') }}
select id, passed_at from {{ ref('passages') }}
