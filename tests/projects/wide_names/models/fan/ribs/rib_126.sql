{{ config(materialized='ephemeral') }}
select nr + 126 as nr from {{ ref('hub') }}
