{{ config(materialized='ephemeral') }}
select nr + 102 as nr from {{ ref('hub') }}
