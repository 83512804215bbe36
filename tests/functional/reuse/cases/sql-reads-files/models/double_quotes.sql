{{ config(materialized='table') }}
select count(*)::integer as buoys from "buoys.csv"
