{{ config(materialized='ephemeral') }}
select nr + 145 as nr from {{ ref('hub') }}
