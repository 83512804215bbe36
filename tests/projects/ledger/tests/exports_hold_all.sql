{{ config(tags=['export'], severity='warn') }}
select postings_of_the_bank from {{ ref('checked_exports') }}
where postings_of_the_bank <> (select count(*) from {{ ref('fct_postings') }} where account = 1000)
