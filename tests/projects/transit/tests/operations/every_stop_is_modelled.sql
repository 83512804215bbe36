select id from {{ source('gtfs', 'stops') }}
except select stop_id from {{ ref('dim_stops', v=2) }}
