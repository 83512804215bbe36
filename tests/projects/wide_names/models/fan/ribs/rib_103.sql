{{ config(materialized='ephemeral') }}
select nr + 103 as nr from {{ ref('hub') }}
