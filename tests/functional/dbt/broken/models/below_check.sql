select * from {{ ref('bad_check') }}
