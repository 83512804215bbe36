select d.doctor_id, d.name, w.beds from {{ ref('stg_doctors') }} d join {{ ref('wards') }} w using (ward)
