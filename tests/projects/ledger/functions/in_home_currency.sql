(amount * rate)::decimal(18, 2)
