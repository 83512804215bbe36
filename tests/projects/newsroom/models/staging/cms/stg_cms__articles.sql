select id as article_id, author_id, section, {{ function('clean_title') }}(title) as title, words, published_on
from {{ source('cms', 'articles') }}
where published_on >= '{{ var("first_day") }}'
