{{ config(materialized='incremental', incremental_strategy='append',
    post_hook={"sql": "{{ shared_macros.audit_line('shipments are in') }}", "transaction": false}) }}
select l.shipment_id, l.product_id, l.store_id, l.quantity, l.cost, l.shipped_on
from {{ ref('int_priced_lines') }} as l
{% if is_incremental() %} where l.shipment_id > (select max(shipment_id) from {{ this }}) {% endif %}
