{{ config(materialized='ephemeral') }}
select nr + 116 as nr from {{ ref('hub') }}
