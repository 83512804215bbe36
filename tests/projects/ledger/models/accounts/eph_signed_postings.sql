{{ config(materialized='ephemeral') }}
select *, case when amount < 0 then 'credit' else 'debit' end as side from {{ ref('stg_postings') }}
