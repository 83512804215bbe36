select id as view_id, article_id, reader, viewed_at from {{ source('web', 'page_views') }} where not is_bot
