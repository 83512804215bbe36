select sale_id, store_id, product_id, account, quantity, {{ shared_macros.to_units('amount_cents', 4) }} as amount, sold_on
from {{ source('ledger', 'sales') }}
