{{ config(materialized='ephemeral') }}
select nr + 140 as nr from {{ ref('hub') }}
