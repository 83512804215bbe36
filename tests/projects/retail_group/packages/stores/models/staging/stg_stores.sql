select store_id, store_name, region_id, format, is_open, opened_on from {{ source('tills', 'stores') }}
