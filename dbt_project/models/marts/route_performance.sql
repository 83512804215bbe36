with routes as (
    select
        origin,
        destination,
        count(*) as flights,
        count(distinct carrier_code) as carriers,
        median(distance_miles) as distance_miles,
        round(count(*) filter (where outcome = 'on_time') / count(*), 4) as on_time_share,
        round(count(*) filter (where outcome = 'cancelled') / count(*), 4) as cancelled_share,
        median(arrival_delay_minutes) as median_arrival_delay_minutes,
        round(avg(air_time_minutes), 2) as average_air_time_minutes
    from {{ ref('fct_flights') }}
    group by origin, destination
)

select
    routes.origin || '-' || routes.destination as route,
    routes.*,
    airports.airport_name as destination_name,
    airports.latitude as destination_latitude,
    airports.longitude as destination_longitude
from routes
left join {{ ref('dim_airports') }} as airports on routes.destination = airports.airport_code
