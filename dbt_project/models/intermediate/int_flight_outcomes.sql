{{ config(materialized='ephemeral') }}

select
    flights.*,
    case
        when flights.is_cancelled then 'cancelled'
        when flights.is_diverted then 'diverted'
        when flights.arrival_delay_minutes < {{ var('on_time_minutes') }} then 'on_time'
        else 'late'
    end as outcome,
    bands.delay_band
from {{ ref('stg_flights') }} as flights
left join {{ ref('delay_bands') }} as bands
    on
        flights.arrival_delay_minutes >= bands.from_minutes
        and flights.arrival_delay_minutes < bands.below_minutes
