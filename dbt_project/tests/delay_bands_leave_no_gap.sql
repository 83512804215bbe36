-- Flights that landed and belong to no band of delay, or to several.
select flight_id
from {{ ref('fct_flights') }}
where (delay_band is null) <> (arrival_delay_minutes is null)
