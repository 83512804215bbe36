"""What a job of a hosted scheduler does on a fresh machine."""

from pathlib import PurePosixPath

import kubernetes_validate
import pytest
import yaml

from orchestrator.config.schedule_settings import ScheduleSettings
from orchestrator.scheduling.hosted_schedulers import gitlab_schedules, hosted_files
from orchestrator.scheduling.install_facts import ExternalScheduler, InstallFacts, Variables, Volume, is_of_project
from orchestrator.scheduling.project_packages import Packages, packages_of
from tests.unit.scheduling.test_install import checked, facts

ELT = "elt-orchestrator[ingest]==0.1.0"


def workflow(known: InstallFacts) -> dict:
    """Return the only workflow as YAML."""
    (text,) = hosted_files(ExternalScheduler.GITHUB, known).values()
    return yaml.safe_load(text)


def test_a_workflow_installs_the_packages_of_the_project_and_of_dbt(tmp_path) -> None:
    """Both steps of elt have the variables: packages.yml may read a token."""
    known = facts(packages=Packages(file="requirements.txt"), has_dbt_packages=True)
    for path, text in hosted_files(ExternalScheduler.GITHUB, known).items():
        checked("vendor.github-workflows", tmp_path / path, text)
    steps = workflow(known)["jobs"]["run"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == [
        "python -m pip install -r requirements.txt",
        "elt deps",
        "elt schedule run --due nightly",
    ]
    assert steps[1]["with"] == {"python-version": "3.12"}
    assert steps[-2]["env"] == steps[-1]["env"] == {"PG_PASSWORD": "${{ secrets.PG_PASSWORD }}"}
    ((path, text),) = hosted_files(ExternalScheduler.GITLAB, known).items()
    checked("vendor.gitlab-ci", tmp_path / path, text)
    assert yaml.safe_load(text)["elt nightly"]["script"] == [step["run"] for step in steps if "run" in step]


def test_a_variable_with_a_default_is_not_set_to_nothing(tmp_path) -> None:
    """A secret that does not exist is an empty variable on GitHub, and `env_var` would return that."""
    for required in ((), ("PG_PASSWORD",)):
        known = facts(variables=Variables(required=required, with_default=("THREADS",)))
        ((path, text),) = hosted_files(ExternalScheduler.GITHUB, known).items()
        checked("vendor.github-workflows", tmp_path / path, text)
        assert "# THREADS: ${{ secrets.THREADS }}" in text
        assert list(workflow(known)["jobs"]["run"]["steps"][-1].get("env", {})) == list(required)


@pytest.mark.parametrize(
    ("files", "commands"),
    [
        ({}, [f"python -m pip install '{ELT}' dbt-x==1"]),
        ({"requirements.txt": "pandas\n"}, [f"python -m pip install -r requirements.txt '{ELT}' dbt-x==1"]),
        ({"requirements.txt": "# own\nElt_Orchestrator[all]>=0.1\n"}, ["python -m pip install -r requirements.txt"]),
        (
            {"requirements.txt": "git+https://git.example/tools/elt-orchestrator.git@v1\n"},
            ["python -m pip install -r requirements.txt"],
        ),
        (
            {"requirements.txt": "# elt-orchestrator\n"},
            [f"python -m pip install -r requirements.txt '{ELT}' dbt-x==1"],
        ),
        (
            {"a b/requirements.txt": "x==1 --hash=sha256:0\n"},
            ["python -m pip install -r 'a b/requirements.txt'", f"python -m pip install '{ELT}' dbt-x==1"],
        ),
        (
            {"pyproject.toml": "[project]\nname='x'\ndependencies=['elt-orchestrator']\n"},
            ["python -m pip install uv", "python -m uv pip install --system -r pyproject.toml"],
        ),
        ({"pyproject.toml": "[tool.ruff]\n"}, [f"python -m pip install '{ELT}' dbt-x==1"]),
        ({"pyproject.toml": "[project\n"}, [f"python -m pip install '{ELT}' dbt-x==1"]),
    ],
)
def test_packages_come_from_the_file_that_lists_them(files: dict[str, str], commands: list[str]) -> None:
    """Without elt in it, elt is installed as well, in the version that is here."""
    assert list(packages_of(files, ELT, ("dbt-x==1",)).commands) == commands


def test_a_volume_is_mounted_where_the_warehouse_is() -> None:
    """GitHub's own runners have none."""
    claim = facts(volume=Volume(folder=PurePosixPath("/data"), claim="warehouse-claim"))
    ((_, text),) = hosted_files(ExternalScheduler.KUBERNETES, claim).items()
    for job in yaml.safe_load_all(text):
        kubernetes_validate.validate(job, "1.30", strict=True)
        pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        assert pod["volumes"][0]["persistentVolumeClaim"] == {"claimName": "warehouse-claim"}
        assert pod["containers"][0]["volumeMounts"] == [{"name": "warehouse", "mountPath": "/data"}]
    own = facts(volume=Volume(folder=PurePosixPath("/data")))
    assert workflow(own)["jobs"]["run"]["runs-on"] == "self-hosted"
    assert workflow(facts())["jobs"]["run"]["runs-on"] == "ubuntu-latest"


def test_a_project_below_the_root_of_its_repository_has_names_of_its_own() -> None:
    """Two projects of one repository do not overwrite each other, nor remove each other's files."""
    known = facts(folder_in_repository="etl/shop")
    assert list(hosted_files(ExternalScheduler.GITHUB, known)) == [".github/workflows/elt-etl-shop-nightly.yml"]
    assert list(hosted_files(ExternalScheduler.GITLAB, known)) == [".gitlab/elt-etl-shop-schedules.yml"]
    assert all("ELT_SCHEDULE=etl/shop/nightly" in line for line in gitlab_schedules(known))
    ((_, text),) = hosted_files(ExternalScheduler.KUBERNETES, known).items()
    (job, _) = yaml.safe_load_all(text)
    container = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    assert container["command"][-2:] == ["--project-dir", "etl/shop"]
    assert is_of_project(text, "etl/shop")
    assert not is_of_project(text, ".")
    assert not is_of_project("name: mine\n", "etl/shop")


def test_similar_and_long_names_get_files_of_their_own() -> None:
    """The name of a CronJob has at most 52 characters."""
    names = ("a_b", "a-b", "x" * 80, "x" * 81)
    known = facts(schedules=tuple(ScheduleSettings(name=one, cron=("0 0 * * *",)) for one in names), all_names=names)
    texts = hosted_files(ExternalScheduler.KUBERNETES, known)
    assert len(texts) == len(names)
    jobs = [job["metadata"]["name"] for text in texts.values() for job in yaml.safe_load_all(text)]
    assert len(set(jobs)) == len(jobs)
    assert max(map(len, jobs)) <= 52
    assert known.label("a_b") == facts(schedules=known.schedules[:1], all_names=names).label("a_b")
