{{ config(severity='warn', error_if='> 5') }}
select year(today()) as year where year(today()) < 2000
