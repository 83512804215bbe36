select * from {{ ref('bad_python') }}
