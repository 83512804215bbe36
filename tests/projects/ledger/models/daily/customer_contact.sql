{{ config(incremental_strategy='merge', unique_key='customer_id', merge_update_columns=['name', 'country'],
    merge_update_set_expressions={'times_seen': 'DBT_INTERNAL_DEST.times_seen + 1'},
    merge_update_condition="DBT_INTERNAL_DEST.tier <> 'locked'", merge_insert_condition="DBT_INTERNAL_SOURCE.country <> 'GB'") }}
select customer_id, name, country, tier, 1 as times_seen from {{ ref('dim_customers') }}
