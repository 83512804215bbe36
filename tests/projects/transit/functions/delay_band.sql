case when seconds < {{ var('late_after_seconds') }} then 'on time' when seconds < 600 then 'late' else 'very late' end
