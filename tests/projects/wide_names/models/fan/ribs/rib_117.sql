{{ config(materialized='ephemeral') }}
select nr + 117 as nr from {{ ref('hub') }}
