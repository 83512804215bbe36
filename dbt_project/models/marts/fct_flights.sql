{{ config(materialized='incremental', unique_key='flight_id', incremental_strategy='delete+insert') }}

select
    flight_id,
    flight_date,
    carrier_code,
    flight_number,
    tail_number,
    origin,
    destination,
    departure_delay_minutes,
    arrival_delay_minutes,
    air_time_minutes,
    distance_miles,
    outcome,
    delay_band,
    load_id
from {{ ref('int_flight_outcomes') }}
{% if is_incremental() %}
-- Load ids are moments in time: corrected flights come again under a later one, whatever day they are of.
where load_id > (select coalesce(max(load_id), '') from {{ this }})
{% endif %}
