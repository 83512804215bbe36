select l.patient_id, l.visit_id, r.visit_id as earlier
from {{ ref('visit_costs') }} l join {{ ref('visit_costs') }} r
    on l.patient_id = r.patient_id and l.came_on > r.came_on and l.came_on <= r.came_on + interval 10 day
