select
    origin,
    weather,
    count(*) as flights,
    count(*) filter (where outcome = 'cancelled') as cancelled_flights,
    {{ share_where("outcome = 'cancelled'") }} as cancelled_share,
    cast(avg(departure_delay_minutes) as numeric(10, 2)) as average_departure_delay_minutes,
    {{ share_where("departure_delay_minutes >= 60") }} as delayed_an_hour_share
from {{ ref('int_flights_with_weather') }}
group by origin, weather
