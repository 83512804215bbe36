select route_id, from_stop, to_stop, round(avg(distance / nullif(seconds, 0)), 6) as speed
from {{ ref('int_pair_distances') }} group by all
