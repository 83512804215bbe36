{{ config(materialized='ephemeral') }}
select a.author_id, count(v.view_id) as views from {{ ref('fct_articles') }} a left join {{ ref('fct_page_views') }} v using (article_id) group by all
