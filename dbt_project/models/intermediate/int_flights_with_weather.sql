select
    flights.flight_id,
    flights.origin,
    flights.outcome,
    flights.departure_delay_minutes,
    case
        when weather.origin is null then 'no observation'
        when weather.visibility_miles < 3 then 'low visibility'
        when weather.precipitation_inches > 0 then 'rain or snow'
        when weather.wind_speed_mph >= 20 then 'strong wind'
        else 'fair'
    end as weather
from {{ ref('int_flight_outcomes') }} as flights
left join {{ ref('stg_weather') }} as weather
    on
        flights.origin = weather.origin
        and flights.scheduled_hour_utc = weather.observed_hour_utc
