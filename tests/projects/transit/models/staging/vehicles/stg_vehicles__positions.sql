select trip_id, stop_id, seen_on, seen_s from {{ source('sensors', 'vehicle_positions') }}
