{{ config(materialized='ephemeral') }}
select nr + 138 as nr from {{ ref('hub') }}
