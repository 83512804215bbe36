{{ config(materialized='ephemeral') }}
select nr + 129 as nr from {{ ref('hub') }}
