{{ config(materialized='ephemeral') }}
select patient_id, name, ward, born_on from {{ ref('stg_patients') }}
where born_on <= date '2024-01-01' - interval {{ var('adult_from') }} year
