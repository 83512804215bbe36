select route_id, sum(cents) as cents from {{ ref('fct_journeys') }} group by route_id
