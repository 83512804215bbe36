def model(dbt, session):
    dbt.config(materialized="table")
    payments = dbt.source("books", "payments")
    rates = dbt.ref("fx_rates")
    return payments.aggregate("count(*) as payments, 0 as rates").union(
        rates.aggregate("0 as payments, count(*) as rates")
    )
