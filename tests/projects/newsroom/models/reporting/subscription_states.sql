{{ config(materialized='table', enabled=var('with_paid')) }}
select plan, count(*) as states from {{ ref('snap_subscriptions') }} group by plan
