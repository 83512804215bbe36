{{ config(materialized='ephemeral') }}
select nr + 146 as nr from {{ ref('hub') }}
