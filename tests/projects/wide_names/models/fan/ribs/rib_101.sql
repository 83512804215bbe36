{{ config(materialized='ephemeral') }}
select nr + 101 as nr from {{ ref('hub') }}
