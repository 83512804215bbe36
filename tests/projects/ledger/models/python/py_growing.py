def model(dbt, session):
    dbt.config(materialized="incremental", incremental_strategy="append", schema="daily")
    postings = dbt.ref("stg_postings")
    if dbt.is_incremental:
        last = session.sql(f"select max(posting_id) from {dbt.this}").fetchall()[0][0]
        postings = postings.filter(f"posting_id > {last}")
    return postings.project("posting_id, 'tonight' as built")
