def model(dbt, session):
    rows = dbt.ref("stg_orders")
    if dbt.this:
        raise ValueError("python says no")
    return rows
