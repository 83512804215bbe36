{{ config(materialized='ephemeral') }}
select nr + 120 as nr from {{ ref('hub') }}
