-- Flights that the daily figures count twice or leave out.
with counts as (
    select
        (select count(*) from {{ ref('fct_flights') }}) as flights,
        (select sum(flights) from {{ ref('carrier_daily_performance') }}) as in_days,
        (select sum(flights) from {{ ref('weather_delays') }}) as in_weather
)

select *
from counts
where flights is distinct from in_days or flights is distinct from in_weather
