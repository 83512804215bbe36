{{ config(materialized='table') }} select {{ function('in_home_currency') }}(21) as amount
