select u.author_id, u.name, count(a.article_id) as articles
from {{ ref('stg_cms__authors') }} u left join {{ ref('fct_articles') }} a using (author_id) group by all
