"""What elt.yml and the environment may say, and what is said of mistakes."""

import json
import sys
from collections.abc import Callable
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
import yaml

from orchestrator.config.document import KEYS
from orchestrator.config.loader import VARIABLES, load_settings
from orchestrator.config.node_wishes import OnNoData
from orchestrator.config.repeat_settings import LimitWish, OnTimeLimit, RepeatWish
from orchestrator.config.settings import ContentLimits, OnRunStart, Settings, StorageVersion
from orchestrator.errors import ConfigurationError

Load = Callable[..., Settings]
KNOWN = (
    "known here: dbt_project, dbt, ingestion, expectations, pools, on_run_start, on_no_data, lock_timeout, repeats,"
    " time_limits, circuit_breaker, on_busy, state_in_target, content, store, keep_runs, protected_targets, "
    "publish_copy, storage_version, verify_reuse, schedules, maintenance, notifications, steps"
)
A_DURATION = "expected a duration such as 60s, 5min or 1h"
FULL = """\
dbt_project: warehouse
ingestion:
  folder: sources
  threads: 4
  schemas: {billing: raw_billing}
expectations:
  folder: suites
on_run_start: after_ingest
on_no_data: skip
lock_timeout: 5min
state_in_target: false
verify_reuse: 5%
storage_version: v1.5.0
content: {rows: 1000, time: 500ms}
publish_copy: {dev: bi/shop.duckdb, prod: /srv/shop.duckdb}
repeats:
  ingest: 3
  dbt: {times: none, after: 10s, factor: 1.5, longest: 5min, jitter: 0, on_time_limit: repeat}
  model.shop.orders: {times: 1}
  model.shop.times: 2
time_limits:
  run: 6h
  dbt: none
  model.shop.orders: 90
"""


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Write an elt.yml above a dbt project `warehouse` and load it."""
    (tmp_path / "warehouse").mkdir()
    (tmp_path / "warehouse" / "dbt_project.yml").write_text("name: warehouse\n")
    for name in ("sources", "suites"):
        (tmp_path / name).mkdir()

    def _load(text: str, **environ: str) -> Settings:
        (tmp_path / "elt.yml").write_text(text)
        return load_settings(tmp_path, environ=environ)

    return _load


def mistakes(load: Load, text: str, **environ: str) -> list[str]:
    """Give the listed mistakes, without the folder of the file."""
    with pytest.raises(ConfigurationError) as caught:
        load(text, **environ)
    lines = caught.value.message.splitlines()
    assert lines[0].startswith("The configuration has ")
    return [line.strip().rsplit("/elt.yml:", 1)[-1] for line in lines[1:]]


def test_every_key_is_read(load: Load, tmp_path: Path) -> None:
    """Each key of elt.yml ends in its setting, with its type."""
    assert load(FULL) == Settings(
        project_root=tmp_path,
        dbt_project_dir=tmp_path / "warehouse",
        elt_yml=tmp_path / "elt.yml",
        ingestion_folder=tmp_path / "sources",
        ingestion_threads=4,
        ingestion_schemas={"billing": "raw_billing"},
        expectations_folder=tmp_path / "suites",
        on_run_start=OnRunStart.AFTER_INGEST,
        on_no_data=OnNoData.SKIP,
        lock_timeout=timedelta(minutes=5),
        state_in_target=False,
        verify_reuse=0.05,
        storage_version=StorageVersion(release="v1.5.0"),
        content=ContentLimits(rows=1000, time=timedelta(milliseconds=500)),
        publish_copy={"dev": tmp_path / "bi" / "shop.duckdb", "prod": Path("/srv/shop.duckdb")},
        repeats={
            "ingest": RepeatWish(times=3),
            "dbt": RepeatWish(
                times=0,
                after=timedelta(seconds=10),
                factor=1.5,
                longest=timedelta(minutes=5),
                jitter=0,
                on_time_limit=OnTimeLimit.REPEAT,
            ),
            "model.shop.orders": RepeatWish(times=1),
            "model.shop.times": RepeatWish(times=2),
        },
        time_limits={
            "run": LimitWish(limit=timedelta(hours=6)),
            "dbt": LimitWish(limit=None),
            "model.shop.orders": LimitWish(limit=timedelta(seconds=90)),
        },
    )


def test_two_targets_have_two_copies(load: Load) -> None:
    """However the path is written; the line and the other target are named."""
    assert mistakes(load, "publish_copy:\n  dev: bi/shop.duckdb\n  prod: ./bi/../bi/shop.duckdb") == [
        "3: 'publish_copy.prod' is the path of 'publish_copy.dev' too"
    ]


SHARES = {"5%": 0.05, "0.5 %": 0.005, ".05": 0.05, "1": 1.0, "0": 0.0}


@pytest.mark.parametrize("said", [*SHARES, "none", "5", "101%", "-1%", "yes"])
def test_a_share_is_a_percentage_or_a_number_up_to_one(load: Load, said: str) -> None:
    """In the file and in the environment; 5 alone is no share, for it may mean 5 %."""
    if said in SHARES:
        assert load(f"verify_reuse: {said}").verify_reuse == SHARES[said]
        assert load("", ELT_VERIFY_REUSE=said).verify_reuse == SHARES[said]
    else:
        (told,) = mistakes(load, f"verify_reuse: {said}")
        assert told.endswith("expected a share of all, such as 5% or 0.05")


def test_the_amount_read_from_tables_can_be_limited(load: Load) -> None:
    """By rows of one table and by time; the environment stands over the file; every mistake is told with its line."""
    assert load("content: {time: 0}").content == ContentLimits(rows=10_000_000, time=timedelta(0))
    limits = load("content: {rows: 5}", ELT_CONTENT_ROWS="7", ELT_CONTENT_TIME="2min").content
    assert limits == ContentLimits(rows=7, time=timedelta(minutes=2))
    assert mistakes(load, "content:\n  rows: 0\n  time: soon\n  bytes: 1") == [
        "2: 'content.rows' is '0': expected a whole number of at least 1",
        f"3: 'content.time' is 'soon': {A_DURATION}",
        "4: unknown key 'content.bytes'; known here: rows, time",
    ]


@pytest.mark.parametrize("said", ["no", "off", "${MARK:-false}", "'false'"])
def test_false_may_be_written_in_yaml_or_in_the_environment(load: Load, said: str) -> None:
    """A variable stands over the file; anything that is neither true nor false is a mistake."""
    assert not load(f"state_in_target: {said}").state_in_target
    assert load(f"state_in_target: {said}", ELT_STATE_IN_TARGET="true").state_in_target
    assert mistakes(load, "state_in_target: 1") == ["1: 'state_in_target' is '1': expected true or false"]
    assert mistakes(load, "on_no_data: no") == ["1: 'on_no_data' is 'no': expected continue or skip or fail"]


@pytest.mark.parametrize("text", ["", "# nothing\n", "ingestion:\n", "on_no_data:\nlock_timeout: ~\n"])
def test_empty_settings_have_their_defaults(load: Load, tmp_path: Path, text: str) -> None:
    """An empty file, section or value says nothing."""
    assert load(text) == Settings(
        project_root=tmp_path, dbt_project_dir=tmp_path / "warehouse", elt_yml=tmp_path / "elt.yml"
    )


def test_all_mistakes_are_reported_at_once_with_their_lines(load: Load) -> None:
    """Unknown keys, wrong types and missing folders come in one message."""
    text = """\
ingestoin: {}
ingestion:
  folder: nowhere
  threads: many
  schemas: raw
expectations: [suites]
on_no_data: explode
lock_timeout: 5 weeks
on_no_data: skip
colour: red
"""
    found = mistakes(load, text, ELT_LOCK_TIMEOUT="soon")
    assert found[1].startswith("3: 'ingestion.folder': the folder ")
    assert [*found[:1], *found[2:-1]] == [
        "1: unknown key 'ingestoin'. Did you mean 'ingestion'?",
        "4: 'ingestion.threads' is 'many': expected a whole number of at least 1",
        "5: expected 'key: value' lines: 'ingestion.schemas' takes keys, this is a single value",
        "6: expected 'key: value' lines: 'expectations' takes keys, this is a list",
        "7: 'on_no_data' is 'explode': expected continue or skip or fail",
        "8: 'lock_timeout' is '5 weeks': expected a duration such as 60s, 5min or 1h",
        "9: 'on_no_data' is set twice, first on line 7",
        f"10: unknown key 'colour'; {KNOWN}",
    ]
    assert found[-1] == ("environment variable ELT_LOCK_TIMEOUT: expected a duration such as 60s, 5min or 1h")


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("lock_timeout: [60\n", "2: not YAML: expected ',' or ']', but got '<stream end>'"),
        ("- a\n", "1: expected 'key: value' lines: the file takes keys, this is a list"),
        ("lock_timeout: {a: 1}\n", "1: 'lock_timeout' takes one value, this is a mapping"),
        ("ingestion:\n  folder: 12\n", "2: 'ingestion.folder' is '12': expected a text"),
        ("ingestion:\n  threads: 0\n", "2: 'ingestion.threads' is '0': expected a whole number of at least 1"),
        ("on_no_data: no\n", "1: 'on_no_data' is 'no': expected continue or skip or fail"),
        ("[a, b]: 1\n", f"1: unknown key 'a list'; {KNOWN}"),
        ("repeats: 3\n", "1: expected 'key: value' lines: 'repeats' takes keys, this is a single value"),
        ("repeats:\n  dbt: often\n", "2: 'repeats.dbt' is 'often': expected a whole number from 0 to 100, or none"),
        ("repeats:\n  dbt: [1]\n", "2: 'repeats.dbt' takes one value, this is a list"),
        ("repeats:\n  dbt: {after: soon}\n", f"2: 'repeats.dbt.after' is 'soon': {A_DURATION}"),
        ("repeats:\n  dbt: {time: 3}\n", "2: unknown key 'repeats.dbt.time'. Did you mean 'times'?"),
        ("repeats:\n  a: {jitter: 2}\n", "2: 'repeats.a.jitter' is '2': expected a number from 0 to 1, such as 0.1"),
        ("repeats:\n  dbt: {factor: 0.5}\n", "2: 'repeats.dbt.factor' is '0.5': expected a number from 1 to 100"),
        ("repeats:\n  a: {on_time_limit: no}\n", "2: 'repeats.a.on_time_limit' is 'no': expected end or repeat"),
        ("time_limits:\n  dbt: 0\n", "2: 'time_limits.dbt' is '0': expected a duration longer than nothing, or none"),
        ("time_limits:\n  a: never\n", f"2: 'time_limits.a' is 'never': {A_DURATION}, or none"),
        ("ingestion:\n  schemas: {a: [b]}\n", "2: 'ingestion.schemas.a' takes one value, this is a list"),
    ],
)  # fmt: skip
def test_each_mistake_has_its_sentence(load: Load, text: str, mistake: str) -> None:
    """A mistake names its line, its key and what was expected."""
    assert mistakes(load, text) == [mistake]


def test_a_file_that_is_not_text_is_a_mistake(load: Load, tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are told as any other mistake."""
    load("")
    (tmp_path / "elt.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match=r"elt.yml:1: the file cannot be read"):
        load_settings(tmp_path, environ={})


def test_values_come_from_the_environment(load: Load) -> None:
    """A reference is replaced before the value is typed; `:-` also stands in for an empty variable."""
    text = "ingestion:\n  threads: ${THREADS}\n  schemas: {a: 'x_${ENV:-dev}_$${raw}'}\nlock_timeout: ${T:-7}\n"
    settings = load(text, THREADS="3", ENV="")
    assert settings.ingestion_threads == 3
    assert settings.ingestion_schemas == {"a": "x_dev_${raw}"}
    assert settings.lock_timeout == timedelta(seconds=7)


def test_an_unset_variable_is_reported_with_its_line(load: Load) -> None:
    """A reference without a default needs its variable; an unfinished reference is told too."""
    assert mistakes(load, "\nlock_timeout: ${NOWHERE}\non_no_data: ${oops\n") == [
        "2: 'lock_timeout': the environment variable NOWHERE is not set; set it, or write ${NOWHERE:-a default}",
        "3: 'on_no_data': '${' opens a reference that is not of the form ${NAME} or ${NAME:-default}",
    ]


def test_no_default_is_recommended_for_a_secret(load: Load) -> None:
    """It would be written into the file."""
    assert mistakes(load, "store: postgresql://ada:${STORE_PASSWORD}@host/records\n") == [
        "1: 'store': the environment variable STORE_PASSWORD is not set",
    ]


def test_the_value_of_a_variable_is_never_shown(load: Load) -> None:
    """A wrong value is shown as the file writes it, since the variable may be a secret."""
    found = mistakes(load, "lock_timeout: ${PASSWORD}\n", PASSWORD="hunter2", ELT_ON_NO_DATA="hunter3")
    assert found[0].startswith("1: 'lock_timeout' is '${PASSWORD}': expected")
    assert "hunter" not in " ".join(found)


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("protected_targets: [prod, ci]", ("prod", "ci")),
        ("protected_targets:\n  - prod\n  - ${CI:-ci}\n", ("prod", "ci")),
        ("protected_targets: prod", ("prod",)),
        ("protected_targets: []", ()),
        ("protected_targets:", ()),
        ("", ()),
    ],
)
def test_protected_targets_are_a_list_of_names(load: Load, text: str, targets: tuple[str, ...]) -> None:
    """One name needs no brackets."""
    assert load(text).protected_targets == targets


def test_an_interpreter_is_named_for_all_modules_or_for_each(load: Load, tmp_path: Path) -> None:
    """Relative to elt.yml; a link stays a link, because it belongs to its environment."""
    (tmp_path / "ingestion").mkdir()
    (tmp_path / "ingestion/shop.py").touch()
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    assert load("ingestion: {python: ./.venv/bin/python}").ingestion_pythons == {"*": python}
    assert load("ingestion: {python: '${PY}'}", PY=".venv/bin/python").ingestion_pythons == {"*": python}
    both = load(f"ingestion:\n  python:\n    shop: .venv/bin/python\n    '*': {sys.executable}")
    assert both.ingestion_pythons == {"shop": python, "*": Path(sys.executable)}
    assert load("").ingestion_pythons == {}


def test_an_interpreter_that_cannot_be_one_has_its_line(load: Load, tmp_path: Path) -> None:
    """The path, and what is wrong with it; a module that does not exist."""
    (tmp_path / "ingestion").mkdir()
    (tmp_path / "ingestion/shop.py").touch()
    assert mistakes(load, "ingestion:\n  python: bin/python") == [
        f"2: 'ingestion.python': the interpreter {tmp_path}/bin/python does not exist"
    ]
    folder = f"{tmp_path} is a folder; name the interpreter in it, such as {tmp_path}/bin/python"
    assert mistakes(load, f"ingestion:\n  python:\n    shop: .\n    shpo: elt.yml\n    '*': {sys.executable}") == [
        f"3: 'ingestion.python.shop': {folder}",
        f"4: 'ingestion.python.shpo': the interpreter {tmp_path}/elt.yml cannot be executed",
        f"4: 'ingestion.python.shpo': no module of that name is in {tmp_path}/ingestion. Did you mean 'shop'?",
    ]


def test_each_mistake_in_a_list_has_its_line(load: Load) -> None:
    """A list holds single values."""
    assert mistakes(load, "protected_targets:\n  - prod\n  - [a]\n  - 5\n  - ${NOPE}\n") == [
        "3: 'protected_targets' takes one value, this is a list",
        "4: 'protected_targets' is '5': expected a text",
        "5: 'protected_targets': the environment variable NOPE is not set; set it, or write ${NOPE:-a default}",
    ]
    assert mistakes(load, "protected_targets: {a: b}") == ["1: 'protected_targets' takes one value, this is a mapping"]


def test_environment_variables_override_the_file(load: Load) -> None:
    """An ELT_ variable wins over elt.yml; one set to nothing says nothing."""
    settings = load(FULL, ELT_INGESTION_THREADS="8", ELT_LOCK_TIMEOUT="2", ELT_ON_NO_DATA="")
    assert settings.ingestion_threads == 8
    assert settings.lock_timeout == timedelta(seconds=2)
    assert settings.on_no_data is OnNoData.SKIP


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("0", 0), ("1.5", 1.5), ("500ms", 0.5), ("90s", 90), ("1.5 min", 90), ("2h", 7200)],
)
def test_a_duration_is_a_number_with_or_without_a_unit(load: Load, text: str, seconds: float) -> None:
    """A number alone is seconds."""
    assert load(f"lock_timeout: {text}").lock_timeout == timedelta(seconds=seconds)


def schema() -> dict[str, object]:
    """Give the schema that ships in the package."""
    return json.loads((files("orchestrator.config") / "elt.schema.json").read_text())


def resolved(node: dict[str, object]) -> dict[str, object]:
    """Give what a reference refers to."""
    return schema()["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node


def schema_keys(node: dict[str, object], prefix: str = "") -> set[str]:
    """Give the path of every value of an object of the schema."""
    keys = {key for name, below in node.get("properties", {}).items() for key in keys_at(below, prefix + name)}
    others = node.get("additionalProperties")
    return keys | (keys_at(others, f"{prefix}*") if isinstance(others, dict) else set())


def keys_at(node: dict[str, object], path: str) -> set[str]:
    """Give the path if it takes a value, and the paths of the values below it."""
    keys = set()
    ways = [resolved(way) for way in resolved(node).get("anyOf", [node])]
    sections = [resolved(way["items"]) for way in ways if way.get("type") == "array"]
    for way in (way for way in ways if way not in sections):  # one section alone is a list of one
        items = resolved(way.get("items", {}))
        if way.get("type") == "array" and items.get("type") == "object":
            keys |= schema_keys(items, f"{path}.*.")
        elif "properties" in way or isinstance(way.get("additionalProperties"), dict):
            keys |= schema_keys(way, f"{path}.")
        elif way.get("type") != "null":
            keys.add(path)
    return keys


def test_schema_loader_and_documentation_name_the_same_keys() -> None:
    """A key exists in all three or in none."""
    page = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text()
    documented = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    assert schema_keys(schema()) == set(KEYS)
    assert documented == set(KEYS) | set(VARIABLES)


def test_the_documented_example_is_right(load: Load) -> None:
    """The example of the documentation loads, and the schema agrees."""
    page = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text()
    example = page.split("```yaml\n")[1].split("```")[0]
    assert load(example).lock_timeout == timedelta(minutes=5)
    jsonschema.validate(yaml.safe_load(example), schema())


@pytest.mark.parametrize(
    "text",
    [
        "colour: red",
        "ingestion: {threads: 0}",
        "on_no_data: explode",
        "lock_timeout: 5 weeks",
        "ingestion: [a]",
        "repeats: 3",
        "publish_copy: bi/shop.duckdb",
        "publish_copy: {dev: ''}",
        "publish_copy: {dev: [bi]}",
        "repeats: {dbt: often}",
        "repeats: {dbt: {time: 3}}",
        "repeats: {dbt: {after: soon}}",
        "repeats: {a: {on_time_limit: sometimes}}",
        "time_limits: {dbt: 0}",
        "time_limits: {dbt: [1h]}",
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(load: Load, text: str) -> None:
    """An editor marks the same mistakes as the command."""
    mistakes(load, text)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), schema())


def test_defaults_of_the_schema_are_those_of_the_settings(load: Load) -> None:
    """What an editor shows as default is what happens."""
    properties = schema()["properties"]
    defaults = {name: rule["default"] for name, rule in properties.items() if "default" in rule}
    threads = properties["ingestion"]["properties"]["threads"]["default"]
    text = yaml.safe_dump({**defaults, "ingestion": {"threads": threads}})
    assert load(text) == load("")


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("dbt.command", r'dbt: {command: "a\0"}'),
        ("store", r'store: "a\0"'),
        ("publish_copy.dev", r'publish_copy: {dev: "a\0"}'),
    ],
)
def test_no_text_has_a_nul_character(load: Load, key: str, line: str) -> None:
    """The operating system takes none in a name."""
    with pytest.raises(ConfigurationError, match=f"'{key}' is .*: expected a text without NUL characters"):
        load(line)
