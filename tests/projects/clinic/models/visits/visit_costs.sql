select
    v.visit_id, v.patient_id, v.came_on, v.minutes, coalesce(c.weight, 0) as weight, {{ charge('v.minutes') }} as charge,
    '{{ env_var("CLINIC_REGION", "south") | replace("'", "''") }}' as region
from {{ ref('stg_visits') }} v left join {{ ref('diagnosis_codes') }} c using (code)
