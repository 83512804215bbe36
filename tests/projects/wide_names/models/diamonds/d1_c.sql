{{ config(materialized='view') }}
select nr, 2 as side from {{ ref('from_hidden') }}
