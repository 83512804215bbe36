select f.ridden_on, f.expected, d.boarded
from {{ ref('ridership_forecast') }} f join {{ ref('agg_ridership_daily') }} d using (ridden_on)
