select patient_id, name from {{ ref('billing') }} where owed > 10
