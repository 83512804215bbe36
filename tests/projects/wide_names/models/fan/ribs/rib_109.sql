{{ config(materialized='ephemeral') }}
select nr + 109 as nr from {{ ref('hub') }}
