{{ config(materialized='table', event_time=none) }}
select year(y.posted_at) - year(today()) as years_ago, count(*) as postings, sum(y.home_amount) as amount, count(b.posting_id) as beside
from {{ ref('postings_by_year') }} y left join {{ ref('postings_beside') }} b using (posting_id) group by all
