"""With the real tools: sixteen secrets are planted, and no byte that elt wrote holds one."""

import gzip
import os
import re
import sqlite3
import zlib
from contextlib import suppress
from pathlib import Path
from textwrap import dedent

import pytest

from tests.reuse_pairs.running import Bench
from tests.reuse_pairs.warehouses import FILE, DuckDb

pytestmark = pytest.mark.functional

ENVIRONMENT = {
    "DBT_ENV_SECRET_KEY": "planted-01-profile-secret",
    "CRM_API_TOKEN": "planted-02-raised",
    "CRM_PASSWORD": "planted-03-printed",
    "CRM_ACCESS_KEY": "planted-04-logged",
    "MODEL_TOKEN": "planted-05-in-a-message",
    "STORED_TOKEN": "planted-06-in-the-sql",
    "PYTHON_SECRET": "planted-07-of-a-python-model",
    "HOOK_SECRET": "planted-08-of-a-hook",
    "SOURCES__CRM__PLACE": "planted-13-that-only-dlt-knows",
    "SOURCES__CRM__CREDENTIALS": '{"user": "ada", "password": "planted-14-in-a-document"}',
}
IN_FILES = ("planted-09-of-a-url", "planted-10-of-a-query", "planted-11-of-secrets-toml")
VAR = "planted-12-of-a-var"
OF_THE_MODULE = ("planted-14-in-a-document", "planted-15-set-by-the-module", "planted-16-at-the-import")
PLANTED = (*ENVIRONMENT.values(), *IN_FILES, VAR, *OF_THE_MODULE)
FILES = {
    "dbt_project.yml": """
        name: vault
        version: "1.0"
        profile: vault
        on-run-end: ["select error('hook {{ env_var('HOOK_SECRET') }}')"]
        """,
    "profiles.yml": f"""
        vault:
          target: dev
          outputs:
            dev:
              type: duckdb
              path: {FILE}
              threads: 1
              config_options: {{custom_user_agent: "{{{{ env_var('DBT_ENV_SECRET_KEY') }}}}"}}
        """,
    "models/sources.yml": "sources: [{name: crm, tables: [{name: people}]}, {name: shop, tables: [{name: items}]}]\n",
    "models/broken.sql": """
        {{ config(materialized='table') }}
        select error('model {{ env_var("MODEL_TOKEN") }} {{ var("crm_token") }}') as x
        """,
    "models/stored.sql": "select '{{ env_var(\"STORED_TOKEN\") }}' as x\n",
    "models/py_broken.py": """
        import os

        def model(dbt, session):
            if dbt:
                raise ValueError("python " + os.environ["PYTHON_SECRET"])
            return session.sql("select 1 as x")
        """,
    "models/people.sql": "select * from {{ source('crm', 'people') }}\n",
    "models/items.sql": "select * from {{ source('shop', 'items') }}\n",
    "ingestion/crm.py": """
        import json
        import logging
        import os
        import sys

        import dlt

        os.environ["CRM_KEYS"] = "https://ada:planted-16-at-the-import@crm.example/"
        print("imported with planted-16-at-the-import")

        @dlt.resource(name="people")
        def people(place: str = dlt.secrets.value):
            print("from", place, flush=True)
            os.system("echo by a shell from " + place)
            print("in JSON", json.loads(os.environ["SOURCES__CRM__CREDENTIALS"])["password"], flush=True)
            os.environ["LATE_TOKEN"] = "planted-15-set-by-the-module"
            print("late", os.environ["LATE_TOKEN"], flush=True)
            print("printed", os.environ["CRM_PASSWORD"], flush=True)
            sys.stderr.write("in pieces " + os.environ["CRM_PASSWORD"][:9])
            sys.stderr.write(os.environ["CRM_PASSWORD"][9:] + "\\n")
            logging.getLogger("crm").error("logged %s", os.environ["CRM_ACCESS_KEY"])
            raise RuntimeError(
                f"raised {os.environ['CRM_API_TOKEN']} for https://ada:planted-09-of-a-url@crm.example/v1"
                "?code=planted-10-of-a-query"
            )
            yield {}

        @dlt.source
        def crm():
            return people
        """,
    "ingestion/shop.py": """
        import dlt

        @dlt.resource(name="items")
        def items(place: str = dlt.secrets.value):
            yield {"id": 1}
            raise LookupError(f"nothing at {place}")

        @dlt.source
        def shop(place: str = dlt.secrets.value):
            return items(place)
        """,
    ".dlt/secrets.toml": '[sources.shop]\nplace = "planted-11-of-secrets-toml"\n',
}


@pytest.fixture
def vault(tmp_path: Path) -> Bench:
    """A project in which everything fails, with a secret in each reason."""
    it = Bench(tmp_path, DuckDb(tmp_path), dict(ENVIRONMENT))
    for name, text in FILES.items():
        it.write(name, dedent(text).lstrip())
    return it


def written(root: Path) -> dict[str, bytes]:
    """Return every byte that elt wrote; dbt's own target folder and log are its own."""
    found = {}
    for file in root.rglob("*"):
        own = file.relative_to(root).parts
        if file.is_file() and own[0] not in {"target", "logs", "models", "ingestion", ".dlt", ".dlt-data"}:
            found["/".join(own)] = file.read_bytes()
    return found


def opened(content: bytes) -> bytes:
    """Return the content with what is compressed in it."""
    if content[:2] == b"\x1f\x8b":
        return content + gzip.decompress(content)
    return content


def in_store(file: Path) -> bytes:
    """Return all values of the record, compressed ones as text."""
    found = []
    with sqlite3.connect(file) as store:
        for (table,) in store.execute("select name from sqlite_master where type = 'table'").fetchall():
            for row in store.execute(f'select * from "{table}"'):
                for value in row:
                    data = value if isinstance(value, bytes) else str(value).encode()
                    with suppress(zlib.error):
                        data = zlib.decompress(data)
                    found.append(data)
    return b"\n".join(found)


def test_no_secret_is_shown_or_written(vault: Bench) -> None:
    """In no output, no log of ours, no record and no working folder of dlt; the messages are there all the same."""
    options = ("--vars", f"{{crm_token: {VAR}}}")
    code, out, err = vault.elt("run", *options)
    assert code == 1
    told = out + err
    for word in ("model", "python", "raised", "nothing at", "hook"):
        assert re.search(rf"{word} \*\*\*\*\*", told), f"{word}: {told}"
    shown = [
        vault.elt(*words) for words in (("history", "--json"), ("show", "--json"), ("logs", "crm"), ("plan", *options))
    ]
    for text in (told, *(out + err for _, out, err in shown)):
        assert not [secret for secret in PLANTED if secret in text]
    files = written(vault.root)
    assert any(name.endswith("ingest-elt_crm.log") for name in files)
    assert b"printed *****" in files[".elt/logs/ingest-elt_crm.log"]
    for word in (b"from *****", b"by a shell from *****", b"in JSON *****", b"late *****", b"imported with *****"):
        assert word in files[".elt/logs/ingest-elt_crm.log"]
    assert b"imported with *****" in files[".elt/logs/ingest-discovery.log"]
    assert b"logged *****" in files[".elt/logs/ingest-elt_crm.log"]
    record = in_store(vault.root / ".elt/history.db")
    for secret in PLANTED:
        assert secret.encode() not in record, f"{secret} is in the record"
        for name, content in files.items():
            # what a model selects is data of the user's own warehouse
            if name != FILE or secret != ENVIRONMENT["STORED_TOKEN"]:
                assert secret.encode() not in opened(content), f"{secret} is in {name}"


def test_environment_is_what_hides_them(vault: Bench) -> None:
    """Without the names that say so the same values are shown: the test above could fail."""
    vault.write(
        "models/broken.sql", "{{ config(materialized='table') }} select error('model {{ env_var(\"PLAIN\") }}') as x\n"
    )
    vault.variables["PLAIN"] = "planted-00-nobody-hides-it"
    _, out, err = vault.elt("run", "--select", "broken", "--no-ingest")
    assert "planted-00-nobody-hides-it" in out + err
    assert os.environ.get("PLAIN") is None
