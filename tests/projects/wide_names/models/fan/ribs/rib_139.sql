{{ config(materialized='ephemeral') }}
select nr + 139 as nr from {{ ref('hub') }}
