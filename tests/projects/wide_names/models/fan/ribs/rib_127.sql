{{ config(materialized='ephemeral') }}
select nr + 127 as nr from {{ ref('hub') }}
