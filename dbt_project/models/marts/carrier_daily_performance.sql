select
    flights.flight_date,
    flights.carrier_code,
    airlines.carrier_name,
    count(*) as flights,
    count(*) filter (where flights.outcome = 'on_time') as on_time_flights,
    count(*) filter (where flights.outcome = 'late') as late_flights,
    count(*) filter (where flights.outcome = 'cancelled') as cancelled_flights,
    count(*) filter (where flights.outcome = 'diverted') as diverted_flights,
    {{ share_where("flights.outcome = 'on_time'") }} as on_time_share,
    cast(avg(flights.arrival_delay_minutes) as numeric(10, 2)) as average_arrival_delay_minutes
from {{ ref('fct_flights') }} as flights
inner join {{ ref('stg_airlines') }} as airlines on flights.carrier_code = airlines.carrier_code
group by flights.flight_date, flights.carrier_code, airlines.carrier_name
