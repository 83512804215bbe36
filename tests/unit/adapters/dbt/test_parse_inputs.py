"""What dbt's parse depends on, and the digest of it."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.adapters.dbt.parse_inputs import ParseInputs, is_steady, state_of, variables_asked


def inputs(root: Path, **options) -> ParseInputs:
    places = {"trees": (str(root / "models"),), "tops": (str(root),), "lists": (str(root / "packages"),), "files": ()}
    return ParseInputs(**{**places, **options})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "models/deep").mkdir(parents=True)
    (tmp_path / "models/a.sql").write_text("select 1")
    (tmp_path / "models/deep/b.sql").write_text("select 2")
    (tmp_path / "dbt_project.yml").write_text("name: shop")
    return tmp_path


def digest(root: Path, environ: dict[str, str] | None = None, **options) -> str:
    return state_of(inputs(root, **options), environ or {}).digest


def change_text(root: Path) -> None:
    file = root / "models/deep/b.sql"
    before = file.stat()
    file.write_text("select 3")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES = {
    "another text of the same length with its time restored": change_text,
    "a new file": lambda root: (root / "models/c.sql").write_text(""),
    "a file that is gone": lambda root: (root / "models/a.sql").unlink(),
    "a file with another name": lambda root: (root / "models/a.sql").rename(root / "models/z.sql"),
    "a text that moved from one file to the next": lambda root: (
        (root / "models/a.sql").write_text("select 2"),
        (root / "models/deep/b.sql").write_text("select 1"),
    ),
    "the configuration": lambda root: (root / "dbt_project.yml").write_text("name: other"),
    "a new configuration file": lambda root: (root / "selectors.yml").write_text(""),
    "a list of what dbt ignores": lambda root: (root / ".dbtignore").write_text("models/a.sql"),
    "a new package": lambda root: (root / "packages/money").mkdir(parents=True),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_digest_changes_with(root: Path, change) -> None:
    """Each of these can change what dbt parses."""
    before = digest(root)
    change(root)
    assert digest(root) != before


def test_the_digest_stays_if_only_times_change(root: Path) -> None:
    """A checkout of the same files, or `touch`, is no change of content; nor is a file that dbt does not read."""
    before = digest(root)
    (root / "models/a.sql").write_text("select 1")
    os.utime(root / "models/deep/b.sql", (1, 1))
    (root / "notes.txt").write_text("for us")
    assert digest(root) == before


def test_the_time_of_the_last_change_is_known(root: Path) -> None:
    """Also if a file was only removed, or its own time was set back."""
    before = state_of(inputs(root), {}).changed_at
    time.sleep(0.02)
    (root / "models/a.sql").unlink()
    removed = state_of(inputs(root), {}).changed_at
    time.sleep(0.02)
    change_text(root)
    assert before < removed < state_of(inputs(root), {}).changed_at


@settings(max_examples=40)
@given(
    before=st.dictionaries(st.sampled_from(["DBT_A", "dbt_b", "ASKED", "OTHER"]), st.sampled_from(["", "1", "2"])),
    after=st.dictionaries(st.sampled_from(["DBT_A", "dbt_b", "ASKED", "OTHER"]), st.sampled_from(["", "1", "2"])),
)
def test_the_digest_changes_exactly_with_the_variables_that_matter(tmp_path_factory, before, after) -> None:
    """Those of dbt, and those that are asked for, whether they are set or not; no other one."""
    root = tmp_path_factory.mktemp("empty")

    def relevant(environ):
        return {name: value for name, value in environ.items() if name != "OTHER"}

    same = digest(root, before, variables=("ASKED",)) == digest(root, after, variables=("ASKED",))
    assert same == (relevant(before) == relevant(after))
    assert (digest(root, before, variables=None) == digest(root, after, variables=None)) == (before == after)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{{ env_var('A') }} {{ env_var(\"B\", 'x') }}", ("A", "B")),
        ("{{ env_var( 'A' ) }}", ("A",)),
        ("{{ env_var('A' ~ side) }}", None),
        ("{{ env_var(name) }}", None),
        ("{% set read = env_var %}", None),
        ("{{ context['env_var']('A') }}", None),
        ("select 1", ()),
    ],
)
def test_the_variables_that_files_ask_for(root: Path, text: str, names) -> None:
    """If a name is put together, or the function is passed on, any variable may be asked for."""
    (root / "models/a.sql").write_text(text)
    assert variables_asked(inputs(root)) == names


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("schema: \"{{ env_var('SCHEMA', 'x') | lower }}\"", True),
        ("schema: \"{{ 'a' if target.name == 'prod' else var('b') }}\"", True),
        ("threads: \"{{ env_var('N') | as_number }}\"", True),
        ('schema: "x_{{ modules.datetime.date.today() }}"', False),
        ('schema: "x_{{ run_started_at }}"', False),
        ('schema: "x_{{ invocation_id }}"', False),
        ('schema: "x_{{ range(9) | random }}"', False),
        ("schema: x", True),
    ],
)
def test_configuration_that_reads_a_clock_is_not_steady(root: Path, text: str, is_so: bool) -> None:
    """dbt renders these files each time; only names that always give the same are allowed."""
    (root / "dbt_project.yml").write_text(text)
    assert is_steady(inputs(root)) is is_so
