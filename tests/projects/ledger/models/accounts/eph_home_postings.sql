{{ config(materialized='ephemeral') }}
select p.*, {{ function('in_home_currency') }}(p.amount, r.rate) as home_amount, {{ function('rounded_home') }}(p.amount, r.rate) as about
from {{ ref('eph_signed_postings') }} p join {{ ref('fx_rates') }} r using (currency)
