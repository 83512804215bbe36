select id from {{ ref('below_view') }} union all select order_id from {{ ref('stg_orders') }}
