{{ config(materialized='ephemeral') }}
select nr + 123 as nr from {{ ref('hub') }}
