select id as lab_id, visit_id, kind, result from {{ source('emr', 'labs') }}
