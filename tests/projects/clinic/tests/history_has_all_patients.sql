{{ config(store_failures=true, alias='patients_without_history') }}
select p.patient_id from {{ ref('stg_patients') }} p anti join {{ ref('patients_history') }} h using (patient_id)
