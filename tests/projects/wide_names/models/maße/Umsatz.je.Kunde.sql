{{ config(materialized='incremental', unique_key='"Kunden Nr."', incremental_strategy='delete+insert', alias='Umsatz je Kunde (€)') }}
select k."Kunden Nr.", k."Vorname", sum(a."Betrag €") as "Umsatz €"
from {{ ref('Kunden') }} as k
join {{ ref('Aufträge') }} as a on a."Kunden Nr." = k."Kunden Nr."
{% if is_incremental() %} where k."Kunden Nr." in (select "Kunden Nr." from {{ this }}) {% endif %}
group by all
