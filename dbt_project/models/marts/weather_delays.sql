select
    origin,
    weather,
    count(*) as flights,
    count(*) filter (where outcome = 'cancelled') as cancelled_flights,
    round(count(*) filter (where outcome = 'cancelled') / count(*), 4) as cancelled_share,
    round(avg(departure_delay_minutes), 2) as average_departure_delay_minutes,
    round(count(*) filter (where departure_delay_minutes >= 60) / count(*), 4) as delayed_an_hour_share
from {{ ref('int_flights_with_weather') }}
group by origin, weather
