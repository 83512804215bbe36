select ward, count(*) as patients, sum(visits)::bigint as visits from {{ ref('adult_visits') }} group by ward
