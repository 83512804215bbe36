{{ config(materialized='ephemeral') }}
select nr + 104 as nr from {{ ref('hub') }}
