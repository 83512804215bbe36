select 1 as id, 1 as product_id, current_date as day from {{ source('raw','orders') }}
