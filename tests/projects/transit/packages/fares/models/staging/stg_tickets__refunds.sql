{{ config(enabled=var('include_refunds')) }}
select tap_id, cents as refunded_cents from {{ source('tickets', 'refunds') }}
