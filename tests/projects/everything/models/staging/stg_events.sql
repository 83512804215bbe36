{{ config(event_time='happened_at') }}
select id as event_id, happened_at from {{ source('raw', 'events') }}
