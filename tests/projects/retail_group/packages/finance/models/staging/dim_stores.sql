-- the same name as a mart of the stores: inside this package, ref('dim_stores') means this one
select store_id, store_name, people * 2500 as payroll from {{ ref('stores', 'dim_stores') }}
