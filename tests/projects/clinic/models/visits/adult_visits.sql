select a.patient_id, a.name, a.ward, count(v.visit_id) as visits
from {{ ref('eph_adults') }} a left join {{ ref('stg_visits') }} v using (patient_id) group by all
