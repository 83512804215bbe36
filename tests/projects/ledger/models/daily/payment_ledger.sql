{{ config(incremental_strategy='merge', unique_key='payment_id', merge_clauses={
    'when_matched': [{'action': 'update', 'mode': 'explicit', 'update': {'include': ['amount']}}],
    'when_not_matched': [
        {'action': 'insert', 'mode': 'by_name', 'condition': "DBT_INTERNAL_SOURCE.method <> 'cash'"},
        {'action': 'delete', 'by': 'source', 'condition': "DBT_INTERNAL_DEST.method = 'void'"}
    ]}) }}
select payment_id, amount, method from {{ ref('stg_payments') }}
