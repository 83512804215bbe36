{{ config(materialized='ephemeral') }}
select nr + 107 as nr from {{ ref('hub') }}
