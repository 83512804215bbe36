-- What the hospital's own system holds.
create schema if not exists emr;
create or replace table emr.patients as
    select id, name, born_on::date as born_on, ward, updated_at::timestamp as updated_at
    from (values
        (1, 'Ada', '1980-05-01', 'A', '2024-01-01'), (2, 'Björn', '2015-02-03', 'B', '2024-01-02'),
        (3, 'Chi', '1951-11-30', 'A', '2024-01-03'), (4, 'Dee', '2001-07-07', 'C', '2024-01-04'), (5, 'Eve', null, 'B', '2024-01-05')
    ) as t(id, name, born_on, ward, updated_at);
create or replace table emr.doctors as
    select * from (values (1, 'Dr Owl', 'A', true), (2, 'Dr Elk', 'B', true), (3, 'Dr Ant', 'Z', false)) as t(id, name, ward, active);
create or replace table emr.visits as
    select id, patient_id, doctor_id, code, minutes, came_on::date as came_on
    from (values
        (10, 1, 1, 'J00', 20, '2024-02-01'), (11, 2, 2, 'J00', 15, '2024-02-01'), (12, 3, 1, 'I10', 40, '2024-02-02'),
        (13, 1, 1, 'Z00', 10, '2024-02-09'), (14, 4, 2, 'I10', 30, '2024-02-10'), (15, 3, 1, 'I10', 25, '2024-03-01')
    ) as t(id, patient_id, doctor_id, code, minutes, came_on);
create or replace table emr.labs as
    select * from (values (100, 10, 'CRP', 3.0), (101, 12, 'CRP', 41.5), (102, 12, 'HB', 14.1), (103, 99, 'HB', 13.0)) as t(id, visit_id, kind, result);
-- The visits that yesterday's run already wrote, one of them with a length that was corrected since.
create schema if not exists dev;
create table if not exists dev.visits_so_far as
    select 10 as visit_id, 1 as patient_id, 5.00::decimal(18, 2) as charge, date '2024-02-01' as came_on
    union all select 11, 2, 7.50, date '2024-02-01';
