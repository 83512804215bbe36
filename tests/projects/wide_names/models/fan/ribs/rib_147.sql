{{ config(materialized='ephemeral') }}
select nr + 147 as nr from {{ ref('hub') }}
