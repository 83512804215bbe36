select section, viewed_at::date as day, count(*) as views from {{ ref('fct_page_views') }} group by all
