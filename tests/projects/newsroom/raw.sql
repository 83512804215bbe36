create schema if not exists cms;
create schema if not exists web_events;
create schema if not exists billing;
create schema if not exists agency_feed;
create or replace table cms."Article Versions" as
    select id, author_id, section, title, words, published_on, now()::timestamp - interval 20 minute as updated_at
    from (values
        (1, 'a1', 'politics', 'The vote', 800, date '2025-02-01'), (2, 'a2', 'sport', 'The match ', 400, date '2025-02-02'),
        (3, 'a1', 'politics', ' After the vote', 1200, date '2025-02-03'), (4, 'a3', 'culture', 'A première', 650, date '2025-02-03'),
        (5, 'a2', 'sport', 'Transfers', 300, date '2025-02-05'), (6, 'a4', 'culture', 'Obituary', 2000, date '2025-02-06')
    ) as t(id, author_id, section, title, words, published_on);
create or replace table cms.authors as
    select id, name, desk, now()::timestamp - interval 5 day as updated_at
    from (values ('a1', 'Zoë', 'news'), ('a2', 'Yves', 'sport'), ('a3', 'Xenia', 'arts'), ('a4', 'Will', null)) as t(id, name, desk);
create or replace table cms."SECTIONS" as select * from (values ('politics', 1), ('sport', 2), ('culture', 3)) as t(slug, rank);
create or replace table cms.corrections as
    select article_id, noted_at from (values (1, now()::timestamp - interval 90 minute), (4, now()::timestamp - interval 40 day)) as t(article_id, noted_at);
create or replace table cms.old_comments as select 1 as id;
create or replace table web_events.page_views as
    select id, article_id, reader, viewed_at, is_bot, now()::timestamp - interval 1 minute as loaded_at
    from (values
        (1, 1, 'r1', timestamp '2025-02-01 08:00:00', false), (2, 1, 'r2', timestamp '2025-02-01 09:30:00', false),
        (3, 2, 'r1', timestamp '2025-02-02 10:00:00', false), (4, 3, 'bot', timestamp '2025-02-03 00:00:01', true),
        (5, 3, 'r3', timestamp '2025-02-03 12:00:00', false), (6, 4, 'r2', timestamp '2025-02-04 18:00:00', false),
        (7, 6, 'r4', timestamp '2025-02-06 20:00:00', false), (8, 6, 'r1', timestamp '2025-02-06 21:00:00', false)
    ) as t(id, article_id, reader, viewed_at, is_bot);
create or replace table billing.subscriptions as
    select id, reader, plan, started_on, changed_at, now()::timestamptz - interval 3 hour as synced_at
    from (values
        (1, 'r1', 'full', date '2025-01-01', timestamp '2025-01-01 00:00:00'), (2, 'r2', 'digital', date '2025-02-01', timestamp '2025-02-01 00:00:00'),
        (3, 'r3', 'trial', date '2025-02-03', timestamp '2025-02-03 00:00:00')
    ) as t(id, reader, plan, started_on, changed_at);
create or replace table billing.payments as
    select id, subscription_id, cents, paid_on
    from (values (1, 1, 2900, date '2025-01-01'), (2, 1, 2900, date '2025-02-01'), (3, 2, 1200, date '2025-02-01')) as t(id, subscription_id, cents, paid_on);
create or replace table agency_feed.stories as
    select id, headline, sent_at from (values ('w1', 'The vote', timestamp '2025-02-01 06:00:00'), ('w2', 'Storm', timestamp '2025-02-02 06:00:00')) as t(id, headline, sent_at);
