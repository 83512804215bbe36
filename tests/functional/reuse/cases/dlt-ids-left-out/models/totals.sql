{{ config(materialized='table') }}
select k.id, sum(l.cents)::integer as cents
from {{ ref('invoice_keys') }} k join {{ ref('invoice_lines') }} l on l.row_key = k.row_key
group by k.id
