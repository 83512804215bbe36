create schema if not exists "Raw Data";
create or replace table "Raw Data"."Kunden.Liste" as select * from (values
    (1, 'Jörg', 183, 'Hauptstraße 1', 'de', timestamp '2024-01-01'), (2, 'Zoë', 171, 'Rue de l''Été 2', 'fr', timestamp '2024-01-02'),
    (3, 'Łukasz', 178, 'Ulica Długa 3', 'pl', timestamp '2024-01-03'), (4, '美咲', 160, '本町 4', 'jp', timestamp '2024-01-04')
) as t("Kunden Nr.", "Vorname", "Größe (cm)", "Straße/Nr.", "select", "日付");
create or replace table "Raw Data"."ORDERS 2024" as select * from (values
    (10, 1, 19.5), (11, 1, 7.0), (12, 2, 100.0), (13, 4, 55.25)
) as t("Order ID", "Kunden Nr.", "Betrag €");
create or replace table "Raw Data".plain_Names as select 1 as "Id", 'x' as "CamelCase";
