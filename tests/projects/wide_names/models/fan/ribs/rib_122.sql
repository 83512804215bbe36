{{ config(materialized='ephemeral') }}
select nr + 122 as nr from {{ ref('hub') }}
