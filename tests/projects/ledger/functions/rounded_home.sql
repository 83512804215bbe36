round({{ function('in_home_currency') }}(amount, rate), 1)
