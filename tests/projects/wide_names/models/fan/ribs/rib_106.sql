{{ config(materialized='ephemeral') }}
select nr + 106 as nr from {{ ref('hub') }}
