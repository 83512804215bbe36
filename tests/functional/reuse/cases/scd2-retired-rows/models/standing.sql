{{ config(materialized='table') }}
select count(*)::integer as trees from {{ source('plants', 'trees') }} where _dlt_valid_to is null
