import pyarrow as pa


def model(dbt, session):
    totals = dbt.ref("py_account_totals").arrow()
    table = totals.read_all() if hasattr(totals, "read_all") else totals
    rows = sorted(table.to_pylist(), key=lambda row: (-row["total"], row["account"]))
    return pa.table({"account": [row["account"] for row in rows], "place": list(range(1, len(rows) + 1))})
