{{ config(materialized='ephemeral') }}
select nr + 108 as nr from {{ ref('hub') }}
