{{ config(materialized='ephemeral') }}
select nr + 142 as nr from {{ ref('hub') }}
