{{ config(pre_hook="insert into audit.runs values ('{{ target.name }}', 'the board pack begins')") }}
select (select round(avg(recovery), 3) from {{ ref('fare_box_recovery') }}) as recovery,
    (select sum(delay_s) from {{ ref('otp_scorecard') }}) as delay_s,
    (select sum(boarded) from {{ ref('agg_ridership_daily') }}) as boarded,
    (select sum(cents) from {{ ref('fct_revenue') }}) as cents
