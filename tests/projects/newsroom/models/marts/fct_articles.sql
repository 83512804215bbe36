select a.article_id, a.author_id, a.section, a.title, a.words, a.published_on, l.level,
    {{ function('reading_label') }}(a.words, a.title) as label, coalesce(c.corrections, 0) as corrections
from {{ ref('stg_cms__articles') }} a
left join {{ ref('reading_levels') }} l on a.words >= l.words_from and a.words < l.words_to
left join {{ ref('stg_cms__corrections') }} c using (article_id)
