{{ config(tags=['quality']) }}
select * from {{ ref('audit_stop_gaps') }}
