{{ config(materialized='ephemeral') }}
select nr + 115 as nr from {{ ref('hub') }}
