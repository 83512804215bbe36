{{ config(materialized='view') }}
select nr, 0 as side from {{ ref('from_hidden') }}
