{{ config(materialized='view') }}
select nr, 1 as side from {{ ref('from_hidden') }}
