{{ config(alias='Kunden (alle)', materialized='table') }}
select "Kunden Nr.", "Vorname", "Größe (cm)" as "Größe", "Straße/Nr.", "select" as "Land.Code", "日付"
from {{ source('Raw Data', 'Kunden.Liste') }}
where "Größe (cm)" >= {{ var('kleinste Größe') }}
