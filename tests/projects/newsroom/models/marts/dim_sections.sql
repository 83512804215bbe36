select s.section, s.rank, list(t.topic order by t.topic) as topics
from {{ ref('stg_cms__sections') }} s left join {{ ref('topics') }} t using (section) group by all
