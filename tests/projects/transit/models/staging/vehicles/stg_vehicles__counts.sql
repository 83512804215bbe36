select trip_id, stop_id, counted_on, boarded from {{ source('sensors', 'passenger_counts') }}
