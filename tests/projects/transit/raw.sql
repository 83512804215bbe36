create schema if not exists gtfs;
create schema if not exists sensors;
create schema if not exists tickets;
create or replace table gtfs.stops as
    select id, name, lat, lon, now()::timestamp - interval 2 hour as loaded_at, timestamp '2025-03-01 04:00:00' as changed_at
    from (values
        ('S1', 'Central', 48.10, 2.10), ('S2', 'Harbour', 48.12, 2.12), ('S3', 'Museum', 48.14, 2.15),
        ('S4', 'Airport', 48.20, 2.30), ('S5', 'Stadium', 48.05, 2.05), ('S6', 'Depot', 48.00, 2.00)
    ) as t(id, name, lat, lon);
create or replace table gtfs.routes as
    select id, short_name, kind, now()::timestamp - interval 2 hour as loaded_at
    from (values ('R1', '1', 'tram'), ('R2', '2', 'bus'), ('R3', '3', 'bus')) as t(id, short_name, kind);
create or replace table gtfs.trips as
    select id, route_id, service_id
    from (values
        ('T1', 'R1', 'WK'), ('T2', 'R1', 'WK'), ('T3', 'R2', 'WK'), ('T4', 'R2', 'SA'), ('T5', 'R3', 'WK'), ('T6', 'R3', 'SA')
    ) as t(id, route_id, service_id);
create or replace table gtfs.stop_times as
    select trip_id, stop_id, seq, due_s
    from (values
        ('T1', 'S1', 1, 21600), ('T1', 'S2', 2, 21900), ('T1', 'S3', 3, 22200),
        ('T2', 'S1', 1, 22200), ('T2', 'S2', 2, 22500), ('T2', 'S3', 3, 22800),
        ('T3', 'S1', 1, 25200), ('T3', 'S4', 2, 26400), ('T4', 'S1', 1, 28800), ('T4', 'S4', 2, 30000),
        ('T5', 'S5', 1, 21600), ('T5', 'S1', 2, 22800), ('T6', 'S5', 1, 32400), ('T6', 'S1', 2, 33600)
    ) as t(trip_id, stop_id, seq, due_s);
create or replace table gtfs.calendar as
    select service_id, runs_on
    from (values
        ('WK', date '2025-03-03'), ('WK', date '2025-03-04'), ('WK', date '2025-03-05'), ('SA', date '2025-03-08')
    ) as t(service_id, runs_on);
create or replace table gtfs.feed_info as select 'city' as publisher, 7 as version;
create or replace table sensors.vehicle_positions as
    select trip_id, stop_id, seen_on, seen_s, now()::timestamp - interval 3 minute as received_at
    from (values
        ('T1', 'S1', date '2025-03-03', 21610), ('T1', 'S2', date '2025-03-03', 22000), ('T1', 'S3', date '2025-03-03', 22500),
        ('T2', 'S1', date '2025-03-03', 22200), ('T2', 'S2', date '2025-03-03', 22520), ('T2', 'S3', date '2025-03-03', 22830),
        ('T3', 'S1', date '2025-03-04', 25260), ('T3', 'S4', date '2025-03-04', 26999),
        ('T5', 'S5', date '2025-03-05', 21600), ('T5', 'S1', date '2025-03-05', 22750),
        ('T6', 'S5', date '2025-03-08', 32400), ('T6', 'S1', date '2025-03-08', 33900)
    ) as t(trip_id, stop_id, seen_on, seen_s);
create or replace table sensors.passenger_counts as
    select trip_id, stop_id, counted_on, boarded, now()::timestamp - interval 3 day as received_at
    from (values
        ('T1', 'S1', date '2025-03-03', 12), ('T1', 'S2', date '2025-03-03', 4), ('T2', 'S1', date '2025-03-03', 9),
        ('T3', 'S1', date '2025-03-04', 20), ('T5', 'S5', date '2025-03-05', 7), ('T6', 'S5', date '2025-03-08', 31)
    ) as t(trip_id, stop_id, counted_on, boarded);
create or replace table tickets.taps as
    select id, card_id, trip_id, stop_id, tapped_on, product, now()::timestamp - interval 30 minute as loaded_at
    from (values
        (1, 'C1', 'T1', 'S1', date '2025-03-03', 'single'), (2, 'C2', 'T1', 'S1', date '2025-03-03', 'day'),
        (3, 'C3', 'T1', 'S2', date '2025-03-03', 'single'), (4, 'C1', 'T2', 'S1', date '2025-03-03', 'single'),
        (5, 'C4', 'T3', 'S1', date '2025-03-04', 'airport'), (6, 'C5', 'T3', 'S1', date '2025-03-04', 'airport'),
        (7, 'C2', 'T5', 'S5', date '2025-03-05', 'day'), (8, 'C3', 'T6', 'S5', date '2025-03-08', 'single')
    ) as t(id, card_id, trip_id, stop_id, tapped_on, product);
create or replace table tickets.cards as
    select id, kind from (values ('C1', 'adult'), ('C2', 'adult'), ('C3', 'youth'), ('C4', 'adult'), ('C5', 'senior')) as t(id, kind);
create or replace table tickets.refunds as select tap_id, cents from (values (4, 210)) as t(tap_id, cents);
