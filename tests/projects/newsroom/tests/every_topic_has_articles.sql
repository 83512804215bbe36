{{ config(severity='warn') }}
select section from {{ ref('topics') }} except select section from {{ ref('fct_articles') }}
