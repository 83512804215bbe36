select title from {{ ref('fct_articles') }} where level = 'long' and author_id in (select author_id from {{ ref('dim_authors', v=1) }})
