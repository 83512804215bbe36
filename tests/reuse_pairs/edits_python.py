"""Edits of what Python models read: files, configuration, the environment, tables that they name in SQL."""

from random import Random

from tests.reuse_pairs.parts import PYTHON, Part, changed_rows, drawer, outside

FILE_READS = (
    "session.sql(\"select id, v from '{f}'\")",
    "session.sql(\"select id, v from read_csv('{f}')\")",
    "session.read_csv('{f}')",
    "session.from_csv_auto('{f}')",
    "session.query(\"from '{f}'\")",
    "session.sql(f\"select 1 as id, '{{len(open('{f}').read())}}' as v\")",
    "session.sql(f\"select 1 as id, '{{len(pathlib.Path('{f}').read_text())}}' as v\")",
    "pd.read_csv('{f}')",
    "duckdb.read_csv('{f}', connection=session)",
    "getattr(session, 'read_' + 'csv')('{f}')",
    "session.values([1, len(list(csv.reader(open('{f}'))))]).project('col0 as id, cast(col1 as varchar) as v')",
)
IMPORTS = "import csv\nimport os\nimport pathlib\n\nimport duckdb\nimport pandas as pd\n\n\n"


def python_model(body: str, *, imports: str = "") -> str:
    """Return the text of a Python model."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f'{imports}def model(dbt, session):\n    dbt.config(materialized="table")\n{lines}'


@drawer(PYTHON)
def file_of_a_python_model_changes(draw: Random, p: str, adapter: str) -> Part:
    """A Python model reads a file, which changes."""
    file = f"{p}_x.csv"
    read = draw.choice(FILE_READS).format(f=file)
    return Part(
        variant=read,
        files={file: "id,v\n1,a\n", f"models/{p}_py.py": python_model(f"return {read}", imports=IMPORTS)},
        outputs=(f"{p}_py",),
        edit=lambda bench: bench.write(file, "id,v\n1,a\n2,b\n"),
    )


@drawer(PYTHON)
def table_of_a_python_model_changes(draw: Random, p: str, adapter: str) -> Part:
    """A Python model names a table in SQL or in a call; its rows change."""
    read = draw.choice(
        (
            f"session.sql('select id, v from ext.{p}_t')",
            f"session.table('ext.{p}_t')",
            f"session.query('from ext.{p}_t')",
            f"session.execute('from ext.{p}_t').df()",
            f"session.cursor().sql('from ext.{p}_t').df()",
        )
    )
    words, change = changed_rows(draw, f"ext.{p}_t")
    return Part(
        variant=f"{read}: {words}",
        files={f"models/{p}_py.py": python_model(f"return {read}")},
        outputs=(f"{p}_py",),
        ddl=outside(f"{p}_t"),
        edit=lambda bench: bench.sql(change),
    )


@drawer(PYTHON)
def meta_of_a_python_model_changes(draw: Random, p: str, adapter: str) -> Part:
    """A Python model reads `meta` or a key of its configuration, which changes in YAML."""
    read = draw.choice(
        (
            "dbt.config.get('meta')['threshold']",
            "dbt.config.meta_get('threshold')",
            "asked(dbt)",
            "dbt.config.get('meta') and getattr(dbt, 'config').get('meta')['threshold']",
        )
    )
    helper = "def asked(dbt):\n    return dbt.config.get('meta')['threshold']\n\n\n"
    body = f"found = {read}\nreturn session.values([1, str(found)]).project('col0 as id, col1 as v')"
    yml = f"models/{p}.yml"
    return Part(
        variant=read,
        files={
            yml: f"models:\n  - {{name: {p}_py, config: {{meta: {{threshold: five}}}}}}\n",
            f"models/{p}_py.py": python_model(body, imports=helper),
        },
        outputs=(f"{p}_py",),
        edit=lambda bench: bench.replace(yml, "five", "nine"),
    )


@drawer(PYTHON)
def python_code_changes(draw: Random, p: str, adapter: str) -> Part:
    """A constant, a helper or an imported module of a Python model changes."""
    what = draw.choice(("constant", "helper", "module", "environment", "default"))
    imports = {
        "helper": "def said():\n    return 'one'\n\n\n",
        "module": f"import sys\n\nsys.path.insert(0, '.')\nfrom {p}_lib import said\n\n\n",
        "environment": "import os\n\n\ndef said():\n    return os.environ.get('PAIRS_PY', 'none')\n\n\n",
        "default": "def said(value='one'):\n    return value\n\n\n",
    }.get(what, "CONSTANT = 'one'\n\n\ndef said():\n    return CONSTANT\n\n\n")
    body = "return session.values([1, said()]).project('col0 as id, col1 as v')"

    def edit(bench):
        if what != "environment":
            bench.replace(f"{p}_lib.py" if what == "module" else f"models/{p}_py.py", "'one'", "'two'")

    return Part(
        variant=what,
        files={
            f"{p}_lib.py": "def said():\n    return 'one'\n",
            f"models/{p}_py.py": python_model(body, imports=imports),
        },
        outputs=(f"{p}_py",),
        environment=({"PAIRS_PY": "one"}, {"PAIRS_PY": "two"}) if what == "environment" else ({}, {}),
        edit=edit,
    )


@drawer(PYTHON)
def python_asks_the_clock(draw: Random, p: str, adapter: str) -> Part:
    """Nothing is edited, and a Python model asks the clock or chance: it runs all the same."""
    read = draw.choice(
        (
            "datetime.now()",
            "time.time()",
            "random.random()",
            "uuid.uuid4()",
            "os.urandom(4)",
            "__import__('time').time()",
            "session.sql('select random()').fetchall()",
        )
    )
    imports = "import os\nimport random\nimport time\nimport uuid\nfrom datetime import datetime\n\n\n"
    body = f"found = str({read})\nreturn session.values([1, found]).project('col0 as id, col1 as v')"
    return Part(
        variant=read,
        files={f"models/{p}_py.py": python_model(body, imports=imports)},
        must_run=(f"{p}_py",),
    )
