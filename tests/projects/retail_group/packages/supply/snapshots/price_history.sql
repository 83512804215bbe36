{% snapshot price_history %}
{{ config(unique_key='product_id', strategy='timestamp', updated_at='changed_at') }}
select product_id, price, changed_at from {{ ref('stg_products') }}
{% endsnapshot %}
