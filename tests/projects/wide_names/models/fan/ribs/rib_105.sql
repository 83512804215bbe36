{{ config(materialized='ephemeral') }}
select nr + 105 as nr from {{ ref('hub') }}
