{{ config(enabled=false) }}
select * from {{ ref('billing') }}
