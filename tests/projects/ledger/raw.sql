-- What the bookkeeping system delivers. Postings lie in this year and the two before.
create schema if not exists books;
create or replace table books.customers as
    select id, name, country, tier, updated_at::timestamp as updated_at, now()::timestamp as loaded_at
    from (values
        (1, 'Anker AG', 'DE', 'gold', '2024-02-01'), (2, 'Brook Ltd', 'GB', 'silver', '2024-02-01'),
        (3, 'Café Zoë', 'FR', 'silver', '2024-06-01'), (4, 'Dune SARL', 'FR', null, '2024-07-15')
    ) as t(id, name, country, tier, updated_at);
create or replace table books.invoices as
    select id, customer_id, currency, amount_cents, issued_on::date as issued_on, due_on::date as due_on, status, now()::timestamp as loaded_at
    from (values
        (101, 1, 'EUR', 120000, '2024-01-10', '2024-02-10', 'paid'), (102, 1, 'EUR', 45000, '2024-02-11', '2024-03-11', 'open'),
        (103, 2, 'GBP', 9900, '2024-02-20', '2024-03-20', 'paid'), (104, 3, 'EUR', 250050, '2024-03-02', '2024-04-02', 'open'),
        (105, 4, 'USD', 8000, '2024-03-05', '2024-04-05', 'void')
    ) as t(id, customer_id, currency, amount_cents, issued_on, due_on, status);
create or replace table books.payments as
    select id, invoice_id, amount_cents, paid_on::date as paid_on, method, now()::timestamp as loaded_at
    from (values
        (1, 101, 120000, '2024-02-01', 'transfer'), (2, 103, 9900, '2024-03-01', 'card'), (3, 104, 50, '2024-03-09', 'cash')
    ) as t(id, invoice_id, amount_cents, paid_on, method);
create or replace table books.postings as
    select id, account, cost_centre, amount_cents, currency,
        make_timestamp(year(today()) - years_ago, month, 3, 8, 30, 0) as posted_at, now()::timestamp as loaded_at
    from (values
        (1, 1000, '01', 500000, 'EUR', 2, 1), (2, 4000, '01', -500000, 'EUR', 2, 1), (3, 1200, '02', 120000, 'EUR', 2, 1),
        (4, 4000, '02', -120000, 'EUR', 2, 1), (5, 1000, '02', 9900, 'GBP', 1, 1), (6, 1200, '02', -9900, 'GBP', 1, 1),
        (7, 6000, '03', 2500, 'EUR', 1, 1), (8, 1000, '03', -2500, 'EUR', 1, 1), (9, 6000, '01', 700, 'EUR', 0, 1),
        (10, 1000, '01', -700, 'EUR', 0, 1)
    ) as t(id, account, cost_centre, amount_cents, currency, years_ago, month);
create or replace table books.clicks as
    select range as id, date_trunc('day', now()::timestamp) - interval 1 hour - to_days(range::int) as clicked_at from range(4);

-- What the run of last night left in dev: the incremental models below go on from it.
create schema if not exists dev_daily;
create schema if not exists dev_batches;
create schema if not exists history;
create table if not exists dev_daily.posting_log as select 1 as posting_id, 1000 as account, 'last night' as built;
create table if not exists dev_daily.invoice_status as select 101 as invoice_id, 'open' as status, 'last night' as built
    union all select 102, 'open', 'last night';
create table if not exists dev_daily.account_days as
    select 1000 as account, '01' as cost_centre, 1.00::decimal(18, 2) as amount, 'last night' as built
    union all select 4000, '01', -1.00, 'last night' union all select 9999, '09', 0.00, 'last night';
create table if not exists dev_daily.customer_balance as select 1 as customer_id, 0.00::decimal(18, 2) as balance, 'last night' as built;
create table if not exists dev_daily.customer_contact as
    select 1 as customer_id, 'Anker' as name, 'AT' as country, 'gold' as tier, 0 as times_seen
    union all select 2, 'Brook Ltd', 'GB', 'locked', 5;
create table if not exists dev_daily.customer_tiers as select 1 as customer_id, 'bronze' as tier, 'last night' as first_seen;
create table if not exists dev_daily.payment_ledger as
    select 1 as payment_id, 1.00::decimal(18, 2) as amount, 'transfer' as method union all select 77, 0.00, 'void' union all select 78, 5.00, 'card';
create table if not exists dev_daily.payment_counts as select 101 as invoice_id, 'transfer' as method, 1::bigint as seen;
create table if not exists dev_daily.rates_seen as select 'EUR' as currency, 1.0::decimal(12, 6) as rate;
create table if not exists dev_daily.rates_wide as select 'EUR' as currency, 1.0::decimal(12, 6) as rate;
create table if not exists dev_daily.rates_synced as select 'EUR' as currency, 1.0::decimal(12, 6) as rate, 'gone soon' as obsolete;
create table if not exists dev_daily.rates_fixed as select 'EUR' as currency, 1.0::decimal(12, 6) as rate;
create table if not exists dev_daily.archive_of_invoices as select 90 as invoice_id, 'kept for ten years' as note;
create table if not exists dev_daily.py_growing as select 1 as posting_id, 'last night' as built;
create table if not exists dev_batches.postings_again as
    select 900 as posting_id, make_timestamp(year(today()) - 2, 5, 1, 0, 0, 0) as posted_at, 'last night' as built
    union all select 901, make_timestamp(year(today()), 1, 2, 0, 0, 0), 'last night';
create table if not exists dev_batches.clicks_by_day as
    select 900 as click_id, date_trunc('day', now()::timestamp) - interval 10 day as posted_at;
create table if not exists history.customers_history as
    select 1 as customer_id, 'Anker' as name, 'DE' as country, 'gold' as tier, timestamp '2023-01-01' as updated_at,
        'a' as dbt_scd_id, timestamp '2023-01-01' as dbt_updated_at, timestamp '2023-01-01' as dbt_valid_from, null::timestamp as dbt_valid_to
    union all select 9, 'Gone Inc', 'US', 'gold', timestamp '2023-01-01', 'b', timestamp '2023-01-01', timestamp '2023-01-01', null;
create table if not exists history.invoices_history as
    select 102 as invoice_id, 1 as customer_id, 'draft' as status, 450.00::decimal(18, 2) as amount, 'c' as dbt_scd_id, timestamp '2024-02-11' as dbt_updated_at,
        timestamp '2024-02-11' as dbt_valid_from, timestamp '9999-12-31' as dbt_valid_to, 'False' as dbt_is_deleted
    union all select 99, 2, 'open', 1.00, 'd', timestamp '2024-02-11', timestamp '2024-02-11', timestamp '9999-12-31', 'False';
