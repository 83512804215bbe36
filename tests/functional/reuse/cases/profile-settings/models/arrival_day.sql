{{ config(materialized='table') }}
select (timestamptz '2025-06-30 22:15:00+00')::date::varchar as day
