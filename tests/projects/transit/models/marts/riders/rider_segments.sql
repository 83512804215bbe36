select c.kind, count(distinct j.card_id) as riders, sum(j.cents) as cents
from {{ ref('fares', 'dim_cards') }} c left join {{ ref('fct_journeys') }} j using (card_id) group by c.kind
