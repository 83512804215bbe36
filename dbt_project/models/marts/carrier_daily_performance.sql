select
    flights.flight_date,
    flights.carrier_code,
    airlines.carrier_name,
    count(*) as flights,
    count(*) filter (where flights.outcome = 'on_time') as on_time_flights,
    count(*) filter (where flights.outcome = 'late') as late_flights,
    count(*) filter (where flights.outcome = 'cancelled') as cancelled_flights,
    count(*) filter (where flights.outcome = 'diverted') as diverted_flights,
    round(count(*) filter (where flights.outcome = 'on_time') / count(*), 4) as on_time_share,
    round(avg(flights.arrival_delay_minutes), 2) as average_arrival_delay_minutes
from {{ ref('fct_flights') }} as flights
inner join {{ ref('stg_airlines') }} as airlines on flights.carrier_code = airlines.carrier_code
group by all
