{{ config(materialized='ephemeral') }}
select nr + 131 as nr from {{ ref('hub') }}
