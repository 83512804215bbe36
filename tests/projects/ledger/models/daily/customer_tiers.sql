{{ config(incremental_strategy='merge', unique_key=['customer_id'], merge_exclude_columns=['first_seen']) }}
select customer_id, tier, 'tonight' as first_seen from {{ ref('dim_customers', v=2) }}
