{{ config(materialized='ephemeral') }}
select visit_id, store_id, visited_on, visitors
from {{ source('tills', 'visits') }}
where visitors >= {{ var('least_visitors') }}
