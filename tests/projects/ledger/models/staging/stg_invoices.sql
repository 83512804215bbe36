select
    id as invoice_id, customer_id, currency, {{ function('cents') }}(amount_cents) as amount, issued_on, due_on, status
from {{ source('books', 'invoices') }}
