select stop_id, stop_name from {{ ref('stg_gtfs__stops') }}
