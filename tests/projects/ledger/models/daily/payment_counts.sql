{{ config(incremental_strategy='merge', merge_on_using_columns=['invoice_id', 'method'],
    merge_update_set_expressions={'seen': 'DBT_INTERNAL_DEST.seen + DBT_INTERNAL_SOURCE.seen'}) }}
select invoice_id, method, count(*) as seen from {{ ref('stg_payments') }} group by all
