def model(dbt, session):
    dbt.config(materialized="table")
    return session.sql("select count(*)::integer as tides from read_csv('tides.csv')")
