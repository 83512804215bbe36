select staff_id, staff_name, store_id from {{ source('tills', 'people') }}
