with routes as (
    select
        origin,
        destination,
        count(*) as flights,
        count(distinct carrier_code) as carriers,
        percentile_cont(0.5) within group (order by distance_miles) as distance_miles,
        {{ share_where("outcome = 'on_time'") }} as on_time_share,
        {{ share_where("outcome = 'cancelled'") }} as cancelled_share,
        percentile_cont(0.5) within group (order by arrival_delay_minutes) as median_arrival_delay_minutes,
        cast(avg(air_time_minutes) as numeric(10, 2)) as average_air_time_minutes
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
