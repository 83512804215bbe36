{{ config(enabled=var('with_forecast')) }}
select product_id, sum(quantity) * 1.1 as expected from {{ ref('fct_shipments') }} group by product_id
