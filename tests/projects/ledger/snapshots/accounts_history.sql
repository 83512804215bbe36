{% snapshot accounts_history %}
{{ config(target_schema='history', unique_key='account', strategy='check', check_cols='all', invalidate_hard_deletes=true) }}
select account, "Account Name" as account_name, kind from {{ ref('chart_of_accounts') }}
{% endsnapshot %}

{% snapshot rates_history %}
{{ config(target_schema='history', unique_key="currency || '-' || valid_on", strategy='timestamp', updated_at='valid_on') }}
select valid_on::timestamp as valid_on, currency, rate from {{ ref('fx_rates') }}
{% endsnapshot %}
