{{ config(materialized='ephemeral') }}
select nr + 112 as nr from {{ ref('hub') }}
