select
    sale_id::integer as sale_id,
    store_id::integer as store_id,
    product_id::integer as product_id,
    account,
    quantity::integer as quantity,
    amount::double as amount,
    sold_on
from {{ ref('stg_sales') }}
