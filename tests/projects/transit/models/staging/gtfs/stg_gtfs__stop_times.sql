select trip_id, stop_id, seq, due_s from {{ source('gtfs', 'stop_times') }}
