{{ config(materialized='ephemeral') }}
select nr + 114 as nr from {{ ref('hub') }}
