{{ config(materialized='table') }}
select count(*) as postings_of_the_bank, (select count(*) from {{ ref('export_balances') }}) as balances,
    (select count(*) from {{ ref('export_nothing') }}) as nothing, (select count(*) from {{ ref('export_by_method') }}) as methods
from {{ ref('export_postings') }} join {{ ref('postings_of') }}(1000) using (posting_id)
