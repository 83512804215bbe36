select * from {{ ref('fct_speeds') }} order by speed limit 10
