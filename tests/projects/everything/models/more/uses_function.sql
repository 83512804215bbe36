{{ config(materialized='table') }}
select {{ function('twice') }}(21) as answer
