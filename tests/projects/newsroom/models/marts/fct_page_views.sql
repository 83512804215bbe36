{{ config(materialized='incremental', unique_key='view_id', incremental_strategy='delete+insert', event_time='viewed_at') }}
select v.view_id, v.article_id, v.reader, v.viewed_at, a.section
from {{ ref('stg_web__page_views') }} v left join {{ ref('fct_articles') }} a using (article_id)
{% if is_incremental() %}
where v.viewed_at > (select coalesce(max(viewed_at), '1970-01-01') from {{ this }})
{% endif %}
