{{ config(materialized='ephemeral') }}
select nr + 144 as nr from {{ ref('hub') }}
