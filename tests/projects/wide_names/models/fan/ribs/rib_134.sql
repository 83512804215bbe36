{{ config(materialized='ephemeral') }}
select nr + 134 as nr from {{ ref('hub') }}
