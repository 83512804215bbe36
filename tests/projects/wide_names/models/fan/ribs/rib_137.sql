{{ config(materialized='ephemeral') }}
select nr + 137 as nr from {{ ref('hub') }}
