{{ config(materialized='table') }}
select "Kunden Nr." as nr from {{ ref('Kunden') }}
