{{ config(alias='digest', schema='mail', tags=['weekly']) }}
select (select count(*) from {{ ref('front_page') }}) as stories, (select max(score) from {{ ref('author_scores') }}) as best,
    (select count(*) from {{ ref('wire_matches') }}) as matched, (select sum(cents) from {{ ref('fct_revenue') }}) as cents
