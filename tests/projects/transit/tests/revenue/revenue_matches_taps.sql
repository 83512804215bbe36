with earned as (select sum(cents) as cents from {{ ref('fct_revenue') }}),
tapped as (select sum(cents) as cents from {{ ref('fares', 'fct_taps') }})
select * from earned, tapped where earned.cents > tapped.cents
