{{ config(tags=['intake'], meta={'owner': 'staff'}) }}
select v.id from {{ source('emr', 'visits') }} v anti join {{ source('emr', 'doctors') }} d on v.doctor_id = d.id
