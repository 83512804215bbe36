{{ config(materialized='ephemeral') }}
select nr + 149 as nr from {{ ref('hub') }}
