select sum(delay_s) / sum(arrivals) as mean_delay_s from {{ ref('otp_scorecard') }}
