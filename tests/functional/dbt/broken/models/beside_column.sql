select order_id from {{ ref('stg_orders') }} where order_id not in (select id from {{ ref('bad_column') }} where id is not null)
