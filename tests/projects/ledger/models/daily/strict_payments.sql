{{ config(incremental_strategy='delete+insert', unique_key='payment_id') }}
select payment_id, amount, method from {{ ref('stg_payments') }}
