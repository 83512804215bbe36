{{ config(materialized='incremental', unique_key='delay_key', on_schema_change='append_new_columns') }}
select concat_ws('-', trip_id, stop_id, service_on) as delay_key, trip_id, route_id, stop_id, service_on, delay_s,
    {{ function('delay_band') }}(delay_s) as band
from {{ ref('int_trip_delays') }}
{% if is_incremental() %}
where service_on > (select max(service_on) from {{ this }})
{% endif %}
