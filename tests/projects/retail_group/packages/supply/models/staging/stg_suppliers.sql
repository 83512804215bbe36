{{ config(enabled=var('with_suppliers')) }}
select supplier_id, supplier_name from {{ source('warehouse', 'suppliers') }}
