select {{ function('twice') }}(id) as id from {{ ref('colours') }}, {{ ref('dim', v=1) }}
