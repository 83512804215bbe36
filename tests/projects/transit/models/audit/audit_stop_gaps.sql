{{ config(materialized='table', tags=['quality']) }}
select trip_id, seq from {{ ref('stg_gtfs__stop_times') }} qualify seq <> row_number() over (partition by trip_id order by seq)
