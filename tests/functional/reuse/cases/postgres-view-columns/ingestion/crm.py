import json
from pathlib import Path

import dlt


@dlt.source
def crm():
    @dlt.resource(write_disposition="append")
    def contacts():
        yield json.loads((Path(__file__).parent / "contacts.json").read_text())

    return contacts
