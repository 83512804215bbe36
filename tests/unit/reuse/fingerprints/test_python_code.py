"""A Python model is understood when all that it imports, calls and reads is on a short list of pure names."""

import inspect
import re
from textwrap import dedent, indent

import pytest
from duckdb import DuckDBPyRelation

from orchestrator.reuse.fingerprints import python_names as names
from orchestrator.reuse.fingerprints.python_code import read_python, sql_calls


def body(code: str, *, imports: str = "") -> str:
    """Write a model with these lines in it."""
    return f"{dedent(imports)}\ndef model(dbt, session):\n{indent(dedent(code), '    ')}\n"


def unknown(code: str, *, imports: str = "") -> list[str]:
    """Return what is not understood of a model with these lines."""
    read = read_python(body(code, imports=imports))
    assert not read.volatile
    return [what for what, _ in read.unknown]


PANDAS = "import pandas as pd\nimport numpy as np\nimport math\nfrom datetime import date, timedelta"
POLARS = "import polars as pl"
QUERY = ".query() of an expression that is not understood"
SELECT = ".select() of a text that is not written there"
FILTER = ".filter() of a text that is not written there"


@pytest.mark.parametrize(
    ("code", "imports"),
    [
        ("return dbt.ref('a')", ""),
        ("dbt.config(materialized='table', packages=['numpy'])\nreturn dbt.source('s', 't').df()", ""),
        ("df = dbt.ref('a').df()\ndf['x'] = df['y'].fillna(0) * 2\nreturn df.groupby('k').sum().reset_index()", PANDAS),
        ("df = dbt.ref('a').to_df()\nreturn df[df['x'].isin(['a', 'b'])].merge(df, on='k', how='left')", PANDAS),
        ("return dbt.ref('a').df().groupby('k', as_index=False).agg(t=('x', 'sum'), n=('x', 'count'))", PANDAS),
        ("df = dbt.ref('a').df()\nreturn df.groupby('k').agg({'x': 'sum', 'y': ['min', 'max']})", PANDAS),
        ("df = dbt.ref('a').df()\ndf['z'] = np.where(df['x'] > 1, np.nan, df['x'])\nreturn df", PANDAS),
        ("df = dbt.ref('a').df()\ndf['z'] = df['x'].apply(lambda v: math.sqrt(v) if v else 0.0)\nreturn df", PANDAS),
        ("df = dbt.ref('a').df()\ndf.columns = [c.lower() for c in df.columns]\nreturn df", PANDAS),
        ("df = dbt.ref('a').df()\ndf['d'] = pd.to_datetime(df['d'], format='%Y-%m-%d')\nreturn df", PANDAS),
        ("return pd.DataFrame({'d': pd.date_range('2024-01-01', periods=3, freq='D')})", PANDAS),
        ("first = date(2024, 1, 1)\nreturn pd.DataFrame({'d': [first + timedelta(days=i) for i in range(3)]})", PANDAS),
        ("df = dbt.ref('a').df()\nreturn df.query('x > 1 and y == 2')", PANDAS),
        ("seen = set()\nfor row in dbt.ref('a').fetchall():\n    seen.add(row[0])\nreturn sorted(seen)", ""),
        ("return pd.DataFrame({'a': [x for x in ['b'] if x not in {'b', 'c'}]})", PANDAS),
        ("return dbt.ref('a').pl().filter(pl.col('x') > 1).group_by('k').agg(pl.col('x').sum().alias('t'))", POLARS),
        ("t = dbt.ref('a').pl()\nreturn t.with_columns(y=pl.col('x') * 2).select('x', 'y').sort('x')", POLARS),
        ("return dbt.ref('a').filter('x > 1').project('x, y * 2 as z').order('x').limit(10)", ""),
        ("return dbt.ref('a').aggregate('k, sum(x) as total', 'k')", ""),
        ("condition = 'x > 1'\nreturn dbt.ref('a').filter(condition)", ""),
        ("return dbt.ref('a').join(dbt.ref('b'), 'k')", ""),
        ("import re\nt = dbt.ref('a').df()\nt['x'] = [re.sub('a', 'b', one) for one in t['x']]\nreturn t", ""),
        ("try:\n    n = int('3')\nexcept ValueError as error:\n    n = 0\nreturn pd.DataFrame({'n': [n]})", PANDAS),
    ],
)  # fmt: skip
def test_ordinary_models_are_understood(code: str, imports: str) -> None:
    """Data frames, relations, arithmetic and containers."""
    assert unknown(code, imports=imports) == []


@pytest.mark.parametrize(
    ("code", "imports", "what"),
    [
        ("return session.sql('select 1')", "", "session.sql"),
        ("return session.table('other')", "", "session.table"),
        ("go = session\nreturn go.sql('select 1')", "", "session as a value"),
        ("return helper(session)", "def helper(s):\n    return s.sql('select 1')", "session as a value"),
        ("run = session.sql\nreturn run('select 1')", "", "session.sql"),
        ("return load(dbt)", "def load(d):\n    return d.ref('a')", "dbt as a value"),
        ("cfg = dbt.config\nreturn cfg.get('x')", "", "dbt.config as a value"),
        ("return dbt.adapter.execute('x')", "", "dbt.adapter"),
        ("return rates()", "from rates import rates", "from rates import rates"),
        ("return rates.now_rates()", "import shop.rates as rates", "import shop.rates"),
        ("return t()", "from .near import t", "from .near import t"),
        ("return x()", "from pandas import *", "from pandas import *"),
        ("return os.getcwd()", "import os", "import os"),
        ("return np.fromfile('x')", "import numpy as np", "numpy.fromfile"),
        ("return np.empty(3)", "import numpy as np", "numpy.empty"),
        ("dbt.ref('a').df().to_csv('x.csv')", "", ".to_csv"),
        ("return dbt.ref('a').df().foo", "", ".foo"),
        ("return eval('1')", "", "eval"),
        ("return __import__('os')", "", "__import__"),
        ("return getattr(dbt.ref('a'), 'q' + 'uery')('v', 'select 1')", "", "getattr"),
        ("return globals()['x']", "", "globals"),
        ("return ().__class__", "", ".__class__"),
        ("return dbt.ref('a').query('v', \"select * from 'x.csv'\")", "", QUERY),
        ("return dbt.ref('a').df().query('x.sample()')", "", QUERY),
        ("n = dbt.config.get('n')\nreturn dbt.ref('a').filter(f'x > {n}')", "", FILTER),
        ("return dbt.ref('a').filter(''.join(['random', '() > 0']))", "", FILTER),
        ("keep = dbt.ref('a').filter\nreturn keep('x > 1')", "", ".filter as a value"),
        ("return dbt.ref('a').df().agg('to_csv')", "", "the function 'to_csv'"),
        ("return dbt.ref('a').df().agg({'x': 'sample'})", "", "the function 'sample'"),
        ("return dbt.ref('a').df().agg(t=('x', 'sample'))", "", "the function 'sample'"),
        ("return dbt.ref('a').df().apply(how())", "def how():\n    return 'to_csv'",
         "a function that is not written there: how()"),
        ("return dbt.ref('a').df().pivot_table(index='k', aggfunc='sample')", "", "the function 'sample'"),
        ("dbt.ref('a').insert([1])", "", ".insert() into a relation"),
        ("return pd.to_datetime(dbt.ref('a').df()['d'])", "import pandas as pd", "to_datetime() without a format"),
        ("return dbt.ref('a').df()['d'].apply(pd.to_datetime)", "import pandas as pd", "pandas.to_datetime as a value"),
        ("return pd.Timestamp('now')", "import pandas as pd", "the text 'now'"),
        ("return pd.Timestamp('10:30')", "import pandas as pd", "a time without a date"),
        ("return np.datetime64('today')", "import numpy as np", "numpy.datetime64"),
        ("return [x for x in set(['a', 'b'])]", "", "the order of a set"),
        ("names = {'a', 'b'}\nreturn ','.join(names)", "", "the order of the set names"),
        ("a = {'a'}\nb = {'b'}\nreturn list(a | b)", "", "the order of the set a"),
        ("class A:\n    pass\nreturn A", "", "class A"),
        ("return '{0.__class__}'.format(1)", "", ".format() of a text that is not written there"),
        ("pd.Series.to_csv(dbt.ref('a').df()['x'])", "import pandas as pd", ".to_csv"),
        ("return pd.DataFrame.query(dbt.ref('a').df(), 'x > 1')", "import pandas as pd", ".query"),
        ("return dbt.ref('a').filter(**{'filter_expr': 'random() > 0'})", "",
         ".filter() with arguments that are not written there"),
        ("return dbt.ref('a').df().apply(**{'func': 'to_csv'})", "",
         ".apply() with arguments that are not written there"),
        ("c = ['x']\nc.append('random()')\nreturn dbt.ref('a').select(*c)", "", SELECT),
        ("a = {}\na['x'] = 'sample'\nreturn dbt.ref('a').df().agg(a)", "", "a function that is not written there: a"),
        ("c = 'x > 1'\nc += ' or random() > 0'\nreturn dbt.ref('a').filter(c)", "", FILTER),
        ("return dbt.ref('a').aggregate(aggr_expr='random()')", "", "the function 'random()'"),
        ("return dbt.ref('a').distinct(on='random()')", "", "the SQL 'random()' in .distinct()"),
        ("return dbt.ref('a').apply('sum', 'x', function_parameter='random()')", "", "the SQL 'random()' in .apply()"),
        ("return dbt.config().get('n')", "", "dbt.config as a value"),
        ("c = dbt.config(materialized='table')\nreturn c.meta_get('n')", "", "dbt.config as a value"),
        ("return f'{model}'", "", "the text of a function"),
        ("return str(lambda: 1)", "", "str() of a function"),
        ("return dbt.ref('a').df().query(\"d > 'now'\")", "", QUERY),
        ("return pd.Timestamp(**{'ts_input': 'x'})", "import pandas as pd",
         "pandas.Timestamp() of a value that is not written there"),
        ("print(1, file=dbt.ref('a'))", "", "print() into a file"),
    ],
)  # fmt: skip
def test_functions_on_no_list_are_named(code: str, imports: str, what: str) -> None:
    """So is another name for it, and a text that is executed."""
    assert what in unknown(code, imports=imports)


@pytest.mark.parametrize("name", ["pd", "open", "len"])
def test_a_name_with_two_meanings_is_not_understood(name: str) -> None:
    """A parameter may hide a module or a builtin in one function and not in another."""
    code = f"import pandas as pd\ndef helper({name}):\n    return {name}\ndef model(dbt, session):\n    return {name}"
    found = [what for what, _ in read_python(code).unknown]
    assert bool(found) is (name != "len")


@pytest.mark.parametrize("call", ["get('n')", "meta_get('n')", "require('n')", "get(key)"])
def test_the_configuration_that_it_reads_is_part_of_its_fingerprint(call: str) -> None:
    """As with `config.get` in SQL."""
    read = read_python(body(f"key = 'n'\nn = dbt.config.{call}\nreturn dbt.ref('a').limit(n)"))
    assert read.own_entry
    assert read.unknown == ()
    assert not read_python(body("dbt.config(materialized='table')\nreturn dbt.ref('a')")).own_entry


def test_a_model_that_appends_to_its_table_depends_on_the_existing_rows() -> None:
    """As with `is_incremental()` in SQL."""
    read = read_python(body("a = dbt.ref('a')\nreturn a.limit(1) if dbt.is_incremental else a"))
    assert read.beside_the_sql
    assert read.unknown == ()


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("import random", "import random"),
        ("from time import time", "from time import …"),
        ("import pandas as pd\npd.read_csv('x')", "read_csv"),
        ("import pandas as pd\npd.Timestamp.now()", "now"),
        ("from datetime import datetime as d\nd.utcnow()", "utcnow"),
        ("import numpy as np\nnp.random.rand(3)", "random"),
        ("import uuid\nuuid.uuid4()", "uuid4"),
        ("open('x')", "open"),
        ("hash('x')", "hash"),
        ("def model(dbt, session):\n    return dbt.ref('a').df().sample(3)", "sample"),
        ("def (", "code that is no Python"),
    ],
)
def test_clock_chance_and_files_are_volatile(code: str, what: str) -> None:
    """They are known to give another result each time."""
    assert what in [found for found, _ in read_python(code).volatile]


@pytest.mark.parametrize(
    "expression",
    ["random() as x", "now() as x", "(select max(x) from other) as x", "x from 'x.csv' as y --", "no_such_function(x)"],
)
def test_sql_in_a_string_is_read_too(expression: str) -> None:
    """A relation executes it: it must be an expression over its columns and deterministic."""
    assert unknown(f"return dbt.ref('a').project({expression!r})") == [f"the SQL '{expression}' in .project()"]


def test_a_finding_has_the_line_of_its_first_occurrence() -> None:
    """The first one."""
    read = read_python("import os\n\n\ndef model(dbt, session):\n    return os.x, session.sql('a'), session.sql('b')")
    assert read.unknown == (("import os", 1), ("session.sql", 5))


def types_of_parameters(method: object) -> dict[str, str]:
    """Return the types of a method's parameters; DuckDB 1 has them only as the first line of a docstring."""
    try:
        parameters = inspect.signature(method).parameters.values()
    except ValueError:
        signature = method.__doc__.partition(" -> ")[0].partition(",")[2]  # without self
        return dict(re.findall(r"(\w+): ([^,)]+)", signature))
    return {one.name: str(one.annotation) for one in parameters}


def test_no_parameter_of_a_relation_is_taken_for_one_of_a_data_frame() -> None:
    """A text that DuckDB executes is always looked at; `how` is one of a few words."""
    for method in names.METHODS & set(dir(DuckDBPyRelation)):
        found = getattr(DuckDBPyRelation, method)
        if not callable(found):
            continue
        types = types_of_parameters(found)
        assert types.keys() & names.SAFE_KEYWORDS <= {"how"}
        takes_text = any("str" in one or "object" in one for one in types.values())
        has_rule = names.SQL_METHODS | names.FUNCTION_METHODS | {"query", "insert", "set_alias", "map"}
        assert not takes_text or method in has_rule


def test_functions_that_a_database_may_replace_are_listed() -> None:
    """Whatever a text calls, over all texts."""
    code = body("return dbt.ref('a').project('Round(x) as r, \"my fn\"(y)').filter('abs (x) > 1')")
    assert {"round", "abs"} <= sql_calls(code)
    assert sql_calls("def (") == frozenset()
