select "Order ID" as "order.id", "Kunden Nr.", "Betrag €", '{{ var("Währung") }}' as "Währung"
from {{ source('Raw Data', 'aufträge') }}
