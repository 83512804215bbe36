{{ config(materialized='ephemeral') }}
select nr + 141 as nr from {{ ref('hub') }}
