select 1 from {{ ref('stg_orders') }}, {{ ref('dim', v=2) }}, {{ source('raw','orders') }} where false
