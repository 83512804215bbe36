select id, depth + 1 as depth from {{ ref('step_36') }}
