select author_id, name from {{ ref('stg_cms__authors') }}
