with aircraft as (
    select *
    from {{ ref('aircraft_history') }}
    where dbt_valid_to is null
)

select
    flights.tail_number,
    aircraft.tail_number is not null as is_registered,
    coalesce(names.manufacturer_name, aircraft.manufacturer) as manufacturer,
    aircraft.model,
    aircraft.seats,
    aircraft.built_in,
    count(*) filter (where flights.outcome <> 'cancelled') as flights_flown,
    count(distinct flights.flight_date) filter (where flights.outcome <> 'cancelled') as days_flown,
    cast(coalesce(sum(flights.distance_miles) filter (where flights.outcome <> 'cancelled'), 0) as bigint) as miles_flown,
    cast(coalesce(sum(flights.air_time_minutes), 0) / 60.0 as numeric(10, 1)) as hours_in_air,
    min(flights.flight_date) as first_scheduled_on,
    max(flights.flight_date) as last_scheduled_on
from {{ ref('fct_flights') }} as flights
left join aircraft on flights.tail_number = aircraft.tail_number
left join {{ ref('manufacturer_names') }} as names on aircraft.manufacturer = names.manufacturer
where flights.tail_number is not null
group by
    flights.tail_number,
    aircraft.tail_number,
    names.manufacturer_name,
    aircraft.manufacturer,
    aircraft.model,
    aircraft.seats,
    aircraft.built_in
