{{ config(severity='warn', store_failures=true) }}
select b.cents from {{ ref('board_pack') }} b
where b.cents <> (select sum(cents) from {{ ref('fct_revenue') }})
    or b.boarded <> (select sum(boarded) from {{ ref('agg_ridership_daily') }})
