{{ config(materialized='ephemeral') }}
select nr + 132 as nr from {{ ref('hub') }}
