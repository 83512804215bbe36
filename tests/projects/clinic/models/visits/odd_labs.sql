{{ config(materialized='view') }}
select l.lab_id, l.kind, v.patient_id from {{ ref('stg_labs') }} l join {{ ref('stg_visits') }} v using (visit_id) where l.result > 40
