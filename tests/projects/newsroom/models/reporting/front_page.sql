select f.title, f.label, s.rank, d.views
from {{ ref('fct_articles') }} f
join {{ ref('dim_sections') }} s using (section)
left join {{ ref('section_daily') }} d on d.section = f.section and d.day = f.published_on
