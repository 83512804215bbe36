select h.patient_id, h.name as was, p.name as is_now
from {{ ref('patients_history') }} h join {{ ref('dim_patients', v=1) }} p using (patient_id)
where h.dbt_valid_to is not null or h.name <> p.name
