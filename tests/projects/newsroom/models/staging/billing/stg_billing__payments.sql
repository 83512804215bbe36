select id as payment_id, subscription_id, cents, paid_on from {{ source('billing', 'payments') }}
