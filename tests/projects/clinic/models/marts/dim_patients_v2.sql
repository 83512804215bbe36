select patient_id, coalesce(name, 'unknown') as name, ward from {{ ref('stg_patients') }}
