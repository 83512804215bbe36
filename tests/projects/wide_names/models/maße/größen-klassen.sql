{{ config(materialized='view', alias='select') }}
select l."Länder Code", l."Name (lang)", count(k."Kunden Nr.") as "# Kunden", max(k."Größe") as "max.Größe"
from {{ ref('Länder.Liste') }} as l
left join {{ ref('Kunden') }} as k on k."Land.Code" = l."Länder Code"
group by all
