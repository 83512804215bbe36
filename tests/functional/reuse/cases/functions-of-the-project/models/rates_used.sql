{{ config(materialized='table') }} select {{ function('rate_of') }}('sek') as rate
