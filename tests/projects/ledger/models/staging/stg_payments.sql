select id as payment_id, invoice_id, {{ function('cents') }}(amount_cents) as amount, paid_on, method from {{ source('books', 'payments') }}
