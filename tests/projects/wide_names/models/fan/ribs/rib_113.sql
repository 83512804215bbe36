{{ config(materialized='ephemeral') }}
select nr + 113 as nr from {{ ref('hub') }}
