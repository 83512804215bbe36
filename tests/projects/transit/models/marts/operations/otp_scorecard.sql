select r.route_id, r.arrivals, r.delay_s, (select max(worst_s) from {{ ref('agg_delays_by_stop') }}) as network_worst_s,
    (select count(*) from {{ ref('fct_headways') }} h where h.route_id = r.route_id) as headways
from {{ ref('agg_delays_by_route') }} r
