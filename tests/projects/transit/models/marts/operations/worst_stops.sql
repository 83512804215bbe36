{{ config(materialized='view', tags=['kpi']) }}
select stop_id, worst_s from {{ ref('agg_delays_by_stop') }} where worst_s > 100
