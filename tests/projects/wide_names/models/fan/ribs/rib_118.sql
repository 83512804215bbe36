{{ config(materialized='ephemeral') }}
select nr + 118 as nr from {{ ref('hub') }}
