{{ config(materialized='ephemeral') }}
select nr + 148 as nr from {{ ref('hub') }}
