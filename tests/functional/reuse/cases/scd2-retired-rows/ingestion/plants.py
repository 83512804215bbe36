import os

import dlt
import pyarrow as pa

ROWS, RETIRED = int(os.environ.get("CASE_ROWS", "200")), int(os.environ.get("CASE_RETIRED", "0"))


@dlt.source
def plants():
    @dlt.resource(write_disposition={"disposition": "merge", "strategy": "scd2", "row_version_column_name": "version"})
    def trees():
        numbers = list(range(ROWS - RETIRED))
        yield pa.table({"number": numbers, "version": [str(number) for number in numbers]})

    return trees
