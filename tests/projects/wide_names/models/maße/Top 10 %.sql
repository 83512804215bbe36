{{ config(materialized='table') }}
select "Kunden Nr.", "Größe", round("Größe" / 2.54, 1) as "Größe in ″" from {{ ref('Kunden') }} where "Vorname" not like 'Z%'
