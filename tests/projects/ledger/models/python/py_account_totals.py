def model(dbt, session):
    dbt.config(materialized="table", wanted_currency="EUR")
    postings = dbt.ref("fct_postings")
    currency = dbt.config.get("wanted_currency")
    return postings.filter(f"currency = '{currency}'").aggregate("account, sum(home_amount)::decimal(18, 2) as total")
