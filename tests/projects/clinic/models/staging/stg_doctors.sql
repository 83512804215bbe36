select id as doctor_id, name, ward from {{ source('emr', 'doctors') }} where active
