select service_id, count(*) as days, count(*) filter (is_holiday) as holidays from {{ ref('stg_gtfs__calendar') }} group by service_id
