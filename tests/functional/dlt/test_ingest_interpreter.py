"""Ingestion modules run in the interpreter that elt.yml names, whose packages do not meet those of elt."""

import importlib.util
import subprocess
import sys

import pytest

from orchestrator.adapters.dlt.host import IngestionHost
from orchestrator.errors import IngestionError
from orchestrator.plan.status import Status
from tests.functional.dlt.ingest_project import Project, make_environment

pytestmark = pytest.mark.functional

WHERE = """
    import sys, dlt, {imports}
    {name} = dlt.resource([{{"prefix": sys.prefix, "word": {word}}}], name="{name}")
"""

KILLER = """
    import os, signal, dlt

    @dlt.resource
    def shop():
        if os.path.exists("kill"):
            os.kill(os.getppid(), signal.SIGKILL)
        yield {"id": 1}
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    return make_environment(tmp_path_factory.mktemp("environment") / "venv")


@pytest.fixture
def open_project(tmp_path):
    """Return a project whose modules run in these interpreters."""
    projects = []

    def open_(**pythons):
        host = IngestionHost(pythons={name.replace("every", "*"): python for name, python in pythons.items()})
        projects.append(Project(root=tmp_path, host=host))
        return projects[-1]

    yield open_
    for project in projects:
        project.close()
        project.host.close()


def write_where(project, name, *, own_word=False):
    """Write a module whose only row says where it ran."""
    imports, word = ("only_there", "only_there.WORD") if own_word else ("os", "''")
    project.write(f"ingestion/{name}.py", WHERE.format(name=name, imports=imports, word=word))


def refusal_of(project):
    """Return the message and the hint with which discovery refuses a project."""
    write_where(project, "shop")
    with pytest.raises(IngestionError) as refused:
        project.discover().require_sound()
    return refused.value


def test_all_modules_run_in_the_named_interpreter(open_project, environment):
    """It has dlt and a package of its own, and needs no elt."""
    assert importlib.util.find_spec("only_there") is None
    without_elt = [str(environment), "-c", "import orchestrator"]
    assert b"ModuleNotFoundError" in subprocess.run(without_elt, capture_output=True, check=False, cwd="/").stderr
    project = open_project(every=environment)
    write_where(project, "shop", own_word=True)
    [source] = project.discover().sources
    assert source.name == "shop"
    outcome = project.load()
    assert outcome.status is Status.SUCCESS, outcome.message
    assert project.rows("select prefix, word from raw.shop") == [(str(environment.parents[1]), "there")]
    assert project.host.versions() == {"dlt": importlib.metadata.version("dlt")}


def test_one_module_has_an_interpreter_of_its_own(open_project, environment):
    """The other module runs in elt's."""
    project = open_project(shop=environment)
    write_where(project, "shop", own_word=True)
    write_where(project, "bank")
    assert {source.name for source in project.discover().sources} == {"shop", "bank"}
    for name in ("shop", "bank"):
        assert project.load(name, module=f"ingestion/{name}.py").status is Status.SUCCESS
    assert project.rows("select prefix from raw.shop") == [(str(environment.parents[1]),)]
    assert project.rows("select prefix from raw.bank") == [(sys.prefix,)]


def test_a_package_that_is_missing_there_is_installed_there(open_project, environment):
    """The hint names the interpreter of the module, not that of elt."""
    project = open_project(every=environment)
    project.write("ingestion/shop.py", "import dlt, nosuchmodule\n")
    with pytest.raises(IngestionError, match="No module named 'nosuchmodule'") as refused:
        project.discover().require_sound()
    assert f"{environment} -m pip install nosuchmodule" in refused.value.hint


def test_an_interpreter_without_dlt_is_refused_with_the_command_that_installs_it(open_project, tmp_path):
    """uv, because this environment has no pip."""
    python = make_environment(tmp_path / "bare", with_dlt=False)
    refused = refusal_of(open_project(every=python))
    assert refused.message == (
        f"ingestion.python: ingestion needs dlt and pyarrow, not installed in the environment of {python}"
    )
    assert f"uv pip install --python {python} 'dlt[duckdb]>=1.30,<2' 'pyarrow>=20'" in refused.hint


def test_an_interpreter_with_another_dlt_is_refused(open_project, tmp_path):
    """The bounds are those of elt's own extra."""
    python = make_environment(tmp_path / "old")
    [packages] = (tmp_path / "old").glob("lib/python*/site-packages")
    (packages / "dlt-0.5.1.dist-info").mkdir()
    (packages / "dlt-0.5.1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: dlt\nVersion: 0.5.1\n")
    refused = refusal_of(open_project(shop=python))
    told = "ingestion.python.shop: dlt 0.5.1 is installed, this elt supports >=1.30,<2, in the environment of "
    assert refused.message == told + str(python)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo not a Python >&2; exit 3", "it ended with code 3: not a Python"),
        ("kill -KILL $$", "it was ended by signal 9"),
        ("""echo '{"python": [3, 9, 1], "prefix": "/x", "versions": {}, "has_pip": true}' >&$2""", "is Python 3.9.1"),
    ],
)
def test_what_is_no_interpreter_that_can_load_is_refused(open_project, tmp_path, script, says):
    """The message names the setting and the reason."""
    program = tmp_path / "program"
    program.write_text(f"#!/bin/bash\n{script}\n")
    program.chmod(0o755)
    message = refusal_of(open_project(every=program)).message
    assert message.startswith("ingestion.python: ")
    assert str(program) in message
    assert says in message


def test_an_interpreter_that_was_killed_starts_again(open_project, environment):
    """A load that it took with it is an error that says so; the next load works."""
    project = open_project(every=environment)
    project.write("ingestion/shop.py", KILLER)
    (project.root / "kill").touch()
    outcome = project.load()
    assert outcome.status is Status.ERROR
    assert "the process that loaded it died: its interpreter was ended by signal 9 (SIGKILL" in outcome.message
    (project.root / "kill").unlink()
    assert project.load().status is Status.SUCCESS


def test_without_a_module_no_interpreter_starts(open_project, tmp_path):
    """Discovery of an empty folder starts no interpreter."""
    project = open_project(every=tmp_path / "nowhere")
    assert project.discover().sources == ()
    assert project.host.versions() == {}
