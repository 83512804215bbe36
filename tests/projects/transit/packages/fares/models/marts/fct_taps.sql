select t.tap_id, t.card_id, t.trip_id, t.stop_id, t.tapped_on,
    greatest(p.cents, {{ var('minimum_fare') }}){% if var('include_refunds') %} - coalesce(r.refunded_cents, 0){% endif %} as cents
from {{ ref('stg_tickets__taps') }} t
join {{ ref('fare_products') }} p using (product)
{% if var('include_refunds') %}
left join {{ ref('stg_tickets__refunds') }} r using (tap_id)
{% endif %}
