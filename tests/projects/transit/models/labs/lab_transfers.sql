select a.card_id, count(*) as transfers from {{ ref('fct_journeys') }} a join {{ ref('fct_journeys') }} b using (card_id)
where a.tap_id < b.tap_id group by 1
