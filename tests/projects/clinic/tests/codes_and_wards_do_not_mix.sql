select c.code from {{ ref('diagnosis_codes') }} c join {{ ref('wards') }} w on c.code = w.ward
