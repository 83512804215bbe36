{{ config(materialized='view') }}
select * from {{ source('crm', 'contacts') }}
