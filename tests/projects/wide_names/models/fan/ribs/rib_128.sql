{{ config(materialized='ephemeral') }}
select nr + 128 as nr from {{ ref('hub') }}
