select "Kunden Nr." as nr, "Größe" from {{ ref('Kunden') }}
