select id from {{ ref('three') }}
