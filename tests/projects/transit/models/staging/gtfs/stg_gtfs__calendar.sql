select service_id, runs_on, holiday_on is not null as is_holiday
from {{ source('gtfs', 'calendar') }}
left join {{ ref('holidays') }} on holiday_on = runs_on
