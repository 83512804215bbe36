select * from {{ ref('py_totals') }}
