select unnest(generate_series(date '2025-02-01', date '2025-02-10', interval 1 day))::date as date_day
