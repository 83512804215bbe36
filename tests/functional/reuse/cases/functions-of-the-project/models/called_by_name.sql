{{ config(materialized='table') }} select main.rate_of('sek') as rate -- after {{ function('in_home_currency') }} and {{ ref('rates_used') }}
