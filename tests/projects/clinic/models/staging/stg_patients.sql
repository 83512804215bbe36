select id as patient_id, name, born_on, ward, updated_at from {{ source('emr', 'patients') }}
