create schema if not exists raw_stores;
create or replace table raw_stores.stores as select * from (values
    (1, 'Harbour', 'N', 'large', true, date '2015-03-01'), (2, 'Old Town', 'N', 'small', true, date '2016-07-12'),
    (3, 'Mill Lane', 'S', 'small', false, date '2018-01-30'), (4, 'Airport', 'W', 'kiosk', true, date '2020-11-05')
) as t(store_id, store_name, region_id, format, is_open, opened_on);
create or replace table raw_stores.staff as select * from (values
    (1, 'Ada', 1), (2, 'Ben', 1), (3, 'Cleo', 2), (4, 'Dan', 3), (5, 'Eve', 4)
) as t(staff_id, staff_name, store_id);
create or replace table raw_stores.visits as select * from (values
    (1, 1, date '2024-02-01', 120), (2, 1, date '2024-02-02', 90), (3, 2, date '2024-02-01', 40),
    (4, 3, date '2024-02-01', 15), (5, 4, date '2024-02-02', 300)
) as t(visit_id, store_id, visited_on, visitors);

create schema if not exists raw_supply;
create or replace table raw_supply.products as select * from (values
    (10, 'Tea', 'food', 450, 1, timestamp '2024-01-01'), (11, 'Kettle', 'kitchen', 3900, 2, timestamp '2024-01-02'),
    (12, 'Mug', 'kitchen', 800, 2, timestamp '2024-01-03'), (13, 'Honey', 'food', 620, 1, timestamp '2024-01-04')
) as t(product_id, product_name, product_group, price_cents, supplier_id, changed_at);
create or replace table raw_supply.suppliers as select * from (values (1, 'Meadow'), (2, 'Steel & Co')) as t(supplier_id, supplier_name);
create or replace table raw_supply.shipments as select * from (values
    (100, 10, 1, 20, date '2024-01-10'), (101, 11, 1, 5, date '2024-01-11'), (102, 12, 2, 12, date '2024-01-12'),
    (103, 13, 3, 30, date '2024-01-13'), (104, 10, 4, 60, date '2024-01-14')
) as t(shipment_id, product_id, store_id, quantity, shipped_on);
create or replace table raw_supply.returns as select * from (values (1, 100, 2), (2, 102, 1)) as t(return_id, shipment_id, quantity);

create schema if not exists raw_finance;
create or replace table raw_finance.sales as select * from (values
    (1000, 1, 10, 3, 1500, '4000', date '2024-02-01'), (1001, 1, 11, 1, 4500, '4000', date '2024-02-01'),
    (1002, 2, 12, 2, 2000, '4000', date '2024-02-02'), (1003, 3, 13, 1, 700, '4100', date '2024-02-02'),
    (1004, 4, 10, 10, 5200, '4100', date '2024-02-03')
) as t(sale_id, store_id, product_id, quantity, amount_cents, account, sold_on);
create or replace table raw_finance.budgets_2024 as select * from (values
    ('4000', 100.0), ('4100', 50.0), ('5000', 25.0)
) as t(account, amount);
