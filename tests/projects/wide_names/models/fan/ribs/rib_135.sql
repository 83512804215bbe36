{{ config(materialized='ephemeral') }}
select nr + 135 as nr from {{ ref('hub') }}
