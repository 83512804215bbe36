{{ config(materialized='ephemeral') }}
select nr + 150 as nr from {{ ref('hub') }}
