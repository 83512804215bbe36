{{ config(severity='error', fail_calc='sum(difference)', error_if='> 10', warn_if='> 0') }}
select abs((select sum(visits) from {{ ref('billing') }}) - (select sum(visits) from {{ ref('ward_load') }}))::integer as difference
