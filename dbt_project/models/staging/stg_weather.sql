select
    origin,
    time_hour as observed_hour_utc,
    temp as temperature_fahrenheit,
    humid as humidity_percent,
    -- No wind on earth has reached 200 miles an hour outside tornadoes and typhoons: such a reading is a defect.
    case when wind_speed <= 200 then wind_speed end as wind_speed_mph,
    wind_gust as wind_gust_mph,
    precip as precipitation_inches,
    visib as visibility_miles
from {{ source('noaa', 'weather') }}
