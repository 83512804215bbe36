select d.author_id, d.name, d.articles, v.views, v.views / nullif(d.articles, 0) as score
from {{ ref('dim_authors') }} d left join {{ ref('views_by_author') }} v using (author_id)
