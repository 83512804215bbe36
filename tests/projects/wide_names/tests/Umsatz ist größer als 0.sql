select * from {{ ref('Umsatz.je.Kunde') }} where "Umsatz €" <= 0
