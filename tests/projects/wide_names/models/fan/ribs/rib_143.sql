{{ config(materialized='ephemeral') }}
select nr + 143 as nr from {{ ref('hub') }}
