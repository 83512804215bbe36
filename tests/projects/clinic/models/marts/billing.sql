select p.patient_id, p.name, sum(v.charge)::decimal(18, 2) as owed, count(*) as visits
from {{ ref('visits_so_far') }} v join {{ ref('dim_patients') }} p using (patient_id) group by all
