{{ config(materialized='ephemeral') }}
select nr + 124 as nr from {{ ref('hub') }}
