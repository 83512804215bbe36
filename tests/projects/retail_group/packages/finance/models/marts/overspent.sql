{{ config(materialized='table', schema=none, tags=['audit']) }}
select account from {{ ref('budget_against_actual') }} where actual > budget
