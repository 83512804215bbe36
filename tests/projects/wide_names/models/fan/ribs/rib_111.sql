{{ config(materialized='ephemeral') }}
select nr + 111 as nr from {{ ref('hub') }}
