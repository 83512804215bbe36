{{ config(enabled=var('with_returns')) }}
select return_id, shipment_id, quantity from {{ source('warehouse', 'returns') }}
