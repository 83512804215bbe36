{{ config(materialized='table', tags=['manual']) }}
select counted_on, sum(boarded) as boarded from {{ ref('stg_vehicles__counts') }} group by 1
