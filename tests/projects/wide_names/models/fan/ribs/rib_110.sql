{{ config(materialized='ephemeral') }}
select nr + 110 as nr from {{ ref('hub') }}
