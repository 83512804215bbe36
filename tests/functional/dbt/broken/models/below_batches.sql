select * from {{ ref('bad_batches') }}
