select p.posting_id from {{ ref('fct_postings') }} p anti join {{ ref('dim_accounts') }} a using (account)
