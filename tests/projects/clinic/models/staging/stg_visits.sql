select v.id as visit_id, v.patient_id, v.doctor_id, v.code, v.minutes, v.came_on
from {{ source('emr', 'visits') }} v where v.minutes > 0
