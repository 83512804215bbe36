{{ config(materialized='ephemeral') }}
select nr + 130 as nr from {{ ref('hub') }}
