(select max(r.rate) from {{ ref('rates') }} r where r.currency = wanted)
