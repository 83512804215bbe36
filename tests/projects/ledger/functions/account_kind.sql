(select max(c.kind) from {{ ref('chart_of_accounts') }} c where c.account = wanted)
