with flights as (
    select
        *,
        make_date(year, month, day) as flight_date
    from {{ source('bts', 'flights') }}
)

select
    flight_date || '|' || origin || '|' || carrier || '|' || flight as flight_id,
    flight_date,
    make_timestamp(year, month, day, hour, minute, 0) as scheduled_departure_at,
    time_hour as scheduled_hour_utc,
    carrier as carrier_code,
    flight as flight_number,
    tailnum as tail_number,
    origin,
    dest as destination,
    dep_delay as departure_delay_minutes,
    arr_delay as arrival_delay_minutes,
    air_time as air_time_minutes,
    distance as distance_miles,
    dep_time is null as is_cancelled,
    -- It left, but no arrival at its destination was recorded.
    dep_time is not null and arr_delay is null as is_diverted,
    _dlt_load_id as load_id
from flights
