{{ config(enabled=var('with_board_report')) }}
select * from {{ ref('editors_digest') }}
