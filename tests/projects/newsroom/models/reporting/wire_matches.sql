select w.story_id, a.article_id from {{ ref('wire', 'wire_stories') }} w join {{ ref('fct_articles') }} a on a.title = w.headline
