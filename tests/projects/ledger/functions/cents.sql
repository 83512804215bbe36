(amount_cents / 100)::decimal(18, 2)
