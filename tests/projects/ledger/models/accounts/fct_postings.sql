select posting_id, account, cost_centre, side, amount, currency, home_amount, posted_at from {{ ref('eph_home_postings') }}
