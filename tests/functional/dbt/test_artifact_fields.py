"""Every field of the artifacts is there, of dbt's type, and holds what dbt writes for the same project."""

import json
import re
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from dbt_common.events.functions import reset_metadata_vars

from orchestrator.api import Verb
from tests.functional.dbt.sides import Side, Sides, both, copied, dbt, dbt_lines, elt

pytestmark = [pytest.mark.functional, pytest.mark.slow]
TIMES = r"(started_at|completed_at|generated_at|created_at|snapshotted_at|elapsed_time|execution_time|time_ago_in_s)$"
PLACES = (
    r"(invocation_id|user_id|thread_id|root_path|args/(project_dir|profiles_dir|log_path|quiet|invocation_command))$"
)
ORDER = r"operation\.everything\.everything-on-run-end-0/compiled_code$"  # it lists the results as they ended
UNSTEADY = re.compile(f"{TIMES}|{PLACES}|{ORDER}")
OBSERVED = """
{% macro observe(results) %}
  {% set seen = [] %}
  {% for result in results %}
    {% set told = result.to_dict() %}
    {% do seen.append({
        'unique_id': told.node.unique_id, 'status': told.status, 'message': told.message, 'failures': told.failures,
        'rows': told.adapter_response.get('rows_affected'), 'relation': told.node.get('relation_name'),
        'compiled': told.node.get('compiled_code'), 'timing': told.timing | map(attribute='name') | list,
        'took_time': told.execution_time > 0, 'thread': told.thread_id is not none
    }) %}
  {% endfor %}
  {% set about = {
      'command': flags.WHICH, 'full_refresh': flags.FULL_REFRESH, 'select': invocation_args_dict.select | list,
      'vars': invocation_args_dict.vars, 'target': target.name, 'threads': target.threads, 'dbt': dbt_version,
      'team': dbt_metadata_envs.get('TEAM'), 'results': seen | sort(attribute='unique_id')
  } %}
  create or replace table audit.observed as select '{{ invocation_id }}' as invocation_id,
      '{{ tojson(about) | replace("'", "''") }}' as about
{% endmacro %}
"""


def differences(theirs: object, ours: object, path: str) -> Iterator[str]:
    """Name what differs in presence, type or, where two runs must agree, in value."""
    if type(theirs) is not type(ours):
        yield f"{path}: {type(theirs).__name__} in dbt's, {type(ours).__name__} in ours"
    elif isinstance(theirs, dict) and isinstance(ours, dict):
        for name in theirs.keys() | ours.keys():
            if name in theirs and name in ours:
                yield from differences(theirs[name], ours[name], f"{path}/{name}")
            else:
                yield f"{path}/{name}: only in {'dbt' if name in theirs else 'our'}s"
    elif isinstance(theirs, list) and isinstance(ours, list):
        if len(theirs) != len(ours):
            yield f"{path}: {len(theirs)} in dbt's, {len(ours)} in ours"
        for number, (one, other) in enumerate(zip(theirs, ours, strict=False)):
            yield from differences(one, other, f"{path}/{number}")
    elif theirs != ours and not UNSTEADY.search(path):
        yield f"{path}: {str(theirs)[:200]!r} in dbt's, {str(ours)[:200]!r} in ours"


def compared(theirs: Side, ours: Side, name: str) -> list[str]:
    """Compare one artifact of two folders; results are found by their node."""
    documents = []
    for side in (theirs, ours):
        document = side.document(name)
        if "results" in document:
            document["results"] = {record["unique_id"]: record for record in document["results"]}
        documents.append(document)
    return list(differences(*documents, name))


@pytest.mark.parametrize("name", ["run_results", "manifest"])
def test_a_build_writes_the_artifacts_that_dbt_build_writes(sound: Sides, name: str) -> None:
    """After a build every field of run_results.json and manifest.json is there and means the same."""
    assert compared(sound.dbt, sound.elt, name) == []


@pytest.fixture(scope="module")
def asked(sound: Sides, tmp_path_factory: pytest.TempPathFactory) -> tuple[Side, Side]:
    """Both sides after the age of the sources was asked for."""
    root = tmp_path_factory.mktemp("asked")
    theirs, ours = copied(sound.dbt.folder, root / "dbt"), copied(sound.elt.folder, root / "elt")
    return dbt(theirs, "source", "freshness"), elt(ours, verb=Verb.FRESHNESS)


def test_freshness_writes_what_dbts_writes(asked: tuple[Side, Side]) -> None:
    """Every field of sources.json is there and means the same; the newest rows are those of each side's own tables."""
    told = compared(*asked, "sources")
    assert [line for line in told if "/max_loaded_at:" not in line] == []


def test_a_failed_query_leaves_no_older_answer(sound: Sides, tmp_path: Path) -> None:
    """When no source could be asked, sources.json says so, as dbt's does, instead of what was found before."""
    found = []
    for name, side in (("dbt", sound.dbt), ("elt", sound.elt)):
        folder = copied(side.folder, tmp_path / name)
        (folder / "target" / "sources.json").write_text('{"results": ["of an earlier run"]}')
        Side(folder=folder, exit_code=0).sql("drop table raw.orders cascade")
        words = ("--select", "source:raw.orders")
        ran = dbt(folder, "source", "freshness", *words) if name == "dbt" else _freshness(folder, words[1])
        found.append((ran.exit_code, ran.document("sources")["results"]))
    assert found == [(1, []), (1, [])]


def _freshness(folder: Path, expression: str) -> Side:
    return elt(folder, verb=Verb.FRESHNESS, select=(expression,))


def test_times_are_those_of_the_run(sound: Sides, asked: tuple[Side, Side]) -> None:
    """The times of a record lie in the run, in order; the document was made after them and tells how long it took."""
    for document in (sound.elt.document(), asked[1].document("sources")):
        made = datetime.fromisoformat(document["metadata"]["generated_at"])
        began = datetime.fromisoformat(document["metadata"]["invocation_started_at"])
        for record in document["results"]:
            timing = [one[end] for one in record["timing"] for end in ("started_at", "completed_at")]
            times = [began, *map(datetime.fromisoformat, timing), made]
            assert times == sorted(times)
            assert record["execution_time"] <= document["elapsed_time"]
        assert 0 < document["elapsed_time"] <= (made - began).total_seconds()


def test_an_invocation_has_one_id(sound: Sides) -> None:
    """manifest.json and run_results.json of a run carry one invocation id; another run has another."""
    ids = {side.document(name)["metadata"]["invocation_id"] for side in sound for name in ("manifest", "run_results")}
    assert len(ids) == len(sound)


@pytest.fixture(scope="module")
def observed(everything: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Side, Side]:
    """Both sides with options and a variable of the environment, observed by a last hook as packages do it."""
    root = tmp_path_factory.mktemp("observed")
    project = (everything / "dbt_project.yml").read_text()
    hook = "on-run-end:\n"
    changes = {
        "dbt_project.yml": project.replace(hook, f'{hook}  - "{{{{ observe(results) }}}}"\n'),
        "macros/observe.sql": OBSERVED,
    }
    options = ("--full-refresh", "--vars", "{limit: 50}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBT_ENV_CUSTOM_ENV_TEAM", "sales")
        reset_metadata_vars()  # dbt reads them once a process
        sides = both(
            everything,
            root,
            lambda place: dbt(place, "build", "--select", "+fct_orders", *options),
            lambda place: elt(place, *options, select=("+fct_orders",)),
            changes,
        )
    reset_metadata_vars()
    return sides


def _observed(side: Side) -> tuple[str, dict[str, Any]]:
    ((invocation_id, about),) = side.sql("select * from audit.observed")
    return invocation_id, json.loads(about)


def test_on_run_end_hooks_see_the_same_results_as_in_dbt(observed: tuple[Side, Side]) -> None:
    """Packages that keep a record of runs, as elementary does, find dbt's results, options and invocation."""
    theirs, ours = (_observed(side)[1] for side in observed)
    assert list(differences(theirs, ours, "observed")) == []
    assert (ours["team"], ours["full_refresh"], ours["select"]) == ("sales", True, ["+fct_orders"])
    assert len(ours["results"]) > 5
    assert _observed(observed[1])[0] == observed[1].document()["metadata"]["invocation_id"]


def test_the_invocation_is_recorded_as_a_command_of_dbt(observed: tuple[Side, Side]) -> None:
    """`args` and `env` tell the options as dbt does, and the dbt command that the run was.

    In one process dbt reads the variables of `env` once, elt for every run.
    """
    theirs, ours = (side.document() for side in observed)
    assert list(differences(theirs["args"], ours["args"], "run_results/args")) == []
    assert ours["metadata"]["env"] == theirs["metadata"]["env"] == {"TEAM": "sales"}
    command = ours["args"]["invocation_command"]
    assert command.startswith("dbt build --full-refresh --vars {limit: 50} ")
    assert command.endswith("--select +fct_orders")


def test_dbt_selects_by_results_and_ages_together(halted: Sides, tmp_path: Path) -> None:
    """`dbt ls --select result:error source_status:fresher --state …` reads all that two of our runs left."""
    folder = copied(halted.elt.folder, tmp_path / "elt")
    elt(folder, verb=Verb.FRESHNESS)
    shutil.copytree(folder / "target", folder / "state")
    Side(folder=folder, exit_code=0).sql("update raw.orders set loaded_at = now()::timestamp")
    elt(folder, verb=Verb.FRESHNESS)
    words = ("--select", "result:error", "source_status:fresher", "--state", "state", "--indirect-selection", "empty")
    listed = dbt_lines(folder, *words, "--output", "json", "--output-keys", "unique_id")
    broken = {
        node for node, word in halted.elt.words().items() if word == "error" and not node.startswith("operation.")
    }
    assert {json.loads(line)["unique_id"] for line in listed} == {*broken, "source.everything.raw.orders"}
    assert len(broken) > 5
