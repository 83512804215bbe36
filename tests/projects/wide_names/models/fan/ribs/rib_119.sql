{{ config(materialized='ephemeral') }}
select nr + 119 as nr from {{ ref('hub') }}
