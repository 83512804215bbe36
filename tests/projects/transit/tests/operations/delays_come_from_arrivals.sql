select d.delay_key from {{ ref('fct_delays') }} d
left join {{ ref('int_arrivals') }} a using (trip_id, stop_id) where a.trip_id is null
