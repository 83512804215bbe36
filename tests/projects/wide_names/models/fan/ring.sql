select nr from {{ ref('rib_001') }}
union all
select nr from {{ ref('rib_075') }}
union all
select nr from {{ ref('rib_150') }}
