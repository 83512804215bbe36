create schema raw;
create table raw.customers as
    select id, name, country, now()::timestamp as loaded_at from (values (1, 'Ann', '01'), (2, 'Bo', '02')) as t(id, name, country);
create table raw.orders as
    select id, customer_id, amount, date '2024-01-05' as ordered_on, now()::timestamp - interval 2 day as loaded_at
    from (values (10, 1, 5.0), (11, 1, 7.5), (12, 2, 1.0), (13, 9, -1.0)) as t(id, customer_id, amount);
create table raw.events as
    select id, happened_at, now()::timestamp - interval 60 day as loaded_at from (values
        (1, timestamp '2021-03-01'), (2, timestamp '2022-03-01'), (3, timestamp '2023-03-01'), (4, timestamp '2024-03-01')
    ) as t(id, happened_at);
create table raw.archive as select 1 as id;
create table raw.switches (name varchar);
