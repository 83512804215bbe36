{{ config(group='sales', pre_hook="insert into audit.hooks values ('pre')", post_hook="insert into audit.hooks values ('post')") }}
select order_id, customer_id, name, {{ tools.doubled('amount') }} as amount, ordered_on from {{ ref('eph_named') }}
