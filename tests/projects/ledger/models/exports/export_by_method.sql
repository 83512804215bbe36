{{ config(materialized='external', location='exports/by_method', options={'partition_by': 'method', 'overwrite': true}) }}
select payment_id, amount, method from {{ ref('stg_payments') }}
