{{ config(event_time='posted_at') }}
select
    id as posting_id, account, cost_centre, {{ function('cents') }}(amount_cents) as amount, currency, posted_at
from {{ source('books', 'postings') }}
where account >= {{ var('first_account') }}
