{{ config(materialized='ephemeral') }}
select nr + 136 as nr from {{ ref('hub') }}
