select (select sum(owed) from {{ ref('billing') }}) as owed, (select sum(visits) from {{ ref('ward_load') }})::bigint as visits
