{{ config(materialized='ephemeral') }}
select nr + 125 as nr from {{ ref('hub') }}
