{{ config(materialized='ephemeral') }}
select nr + 133 as nr from {{ ref('hub') }}
