{{ config(materialized='ephemeral') }}
select nr + 121 as nr from {{ ref('hub') }}
