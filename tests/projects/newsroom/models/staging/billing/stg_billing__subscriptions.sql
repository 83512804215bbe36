select id as subscription_id, reader, plan, started_on from {{ source('billing', 'subscriptions') }}
