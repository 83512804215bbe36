select 1 where current_date < date '2024-01-01'
