select airport_code, airport_name, latitude, longitude, altitude_feet, time_zone
from {{ ref('stg_airports') }}

union all

-- Puerto Rico and the Virgin Islands are flown to from New York, but are not in the administration's list.
select faa, airport_name, latitude, longitude, altitude_feet, time_zone
from {{ ref('missing_airports') }}
where faa not in (select airport_code from {{ ref('stg_airports') }})
