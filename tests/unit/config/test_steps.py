"""What `steps:` of elt.yml may say, and which line a mistake names."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.config.loader import load_settings
from orchestrator.config.settings import Settings
from orchestrator.config.step_settings import HttpSettings, PollSettings, StepSettings
from orchestrator.errors import ConfigurationError

Load = Callable[[str], Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    (tmp_path / "dbt_project.yml").write_text("name: shop\n")

    def _load(text: str) -> Settings:
        (tmp_path / "elt.yml").write_text(text)
        return load_settings(tmp_path, environ={"BI_TOKEN": "s3cret-token"})

    return _load


def mistakes(load: Load, text: str) -> list[str]:
    """Give the listed mistakes, without the folder of the file."""
    with pytest.raises(ConfigurationError) as caught:
        load(text)
    assert "s3cret-token" not in caught.value.message
    return [line.strip().rsplit("/elt.yml:", 1)[-1] for line in caught.value.message.splitlines()[1:]]


def test_every_key_is_read_and_secrets_stay_references(load: Load) -> None:
    """A value of the environment never becomes part of the settings, and so of no recorded plan."""
    steps = load("""
steps:
  sync:
    before: source:crm
    http:
      method: post
      url: https://airbyte/v1/jobs
      headers: {Authorization: "Bearer ${BI_TOKEN}"}
      json: {connectionId: 7, jobType: sync}
      status: [200, 202]
      poll:
        {url: "/v1/jobs/{response.jobId}", field: status, success: [succeeded], failure: [failed, 5], every: 2s}
  train: {after: [fct_orders, "tag:x"], python: "ml.train:main", inputs: [ml/*.py], env: TOKEN}
  tell: {after: "step:sync", command: [bash, -c, "echo ${BI_TOKEN}", 5]}
""").steps
    assert steps["sync"] == StepSettings(
        name="sync",
        before=("source:crm",),
        http=HttpSettings(
            url="https://airbyte/v1/jobs",
            method="POST",
            headers={"Authorization": "Bearer ${BI_TOKEN}"},
            json={"connectionId": 7, "jobType": "sync"},
            status=(200, 202),
            poll=PollSettings(
                url="/v1/jobs/{response.jobId}",
                status_field="status",
                success=("succeeded",),
                failure=("failed", "5"),
                every=timedelta(seconds=2),
            ),
        ),
    )
    assert steps["train"].inputs == ("ml/*.py",)
    assert steps["train"].env == ("TOKEN",)
    assert steps["tell"].command == ("bash", "-c", "echo ${BI_TOKEN}", "5")
    assert steps["tell"].inputs is None


SECRET = "a secret must not be written here; use ${NAME}, which takes it from the environment"


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("{after: [a]}", ["2: 'steps.x': it needs 'command', 'http' or 'python': what does it do?"]),
        (
            "{after: [a], command: [ls], http: {url: 'http://bi'}}",
            ["2: 'steps.x': it has 'command' and 'http'; a step does one thing"],
        ),
        (
            "{after: [a], command: echo hi}",
            ["2: 'steps.x.command': expected a list, such as [python, train.py]; for shell, [bash, -c, \"…\"]"],
        ),
        ("{command: [ls]}", ["2: 'steps.x': it needs 'after' or 'before': when does it run?"]),
        ("{after: [a], http: {method: GET, status: 200}}", ["2: 'steps.x': it needs the key 'http.url'"]),
        (
            "{after: [a], http: {url: 'ftp://bi'}}",
            ["2: 'steps.x.http.url': expected a URL that begins with http:// or https://"],
        ),
        (
            "{after: [a], http: {url: 'http://bi', poll: {url: /x, field: a, success: true, every: 0s}}}",
            ["2: 'steps.x.http.poll.every' is '0s': expected a duration of at least 10ms, such as 10s"],
        ),
        (
            "{after: [a], http: {url: 'http://bi', poll: {url: '/x'}}}",
            [
                "2: 'steps.x': it needs the key 'http.poll.field'",
                "2: 'steps.x': it needs the key 'http.poll.success'",
            ],
        ),
        (
            "{after: [a], python: 'ml.train'}",
            [
                "2: 'steps.x.python' is 'ml.train': expected a module and a function, such as \"ml.train:main\"",
            ],
        ),
        (
            "{after: [a], command: [ls], inputs: [../x]}",
            ["2: 'steps.x.inputs' is '../x': expected a file or a glob below the folder of elt.yml, such as ml/*.py"],
        ),
        (
            "{after: [a], command: [ls, '${}']}",
            ["2: 'steps.x.command': '${' opens a reference that is not of the form ${NAME} or ${NAME:-default}"],
        ),
    ],
)
def test_a_mistake_in_a_step_is_told_with_its_line(load: Load, step: str, told: list[str]) -> None:
    """What is missing, what is too much, and what cannot be meant."""
    assert mistakes(load, f"steps:\n  x: {step}\n") == told


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("http.headers.Authorization", "{url: 'http://bi', headers: {\n  Authorization: Bearer abc}}"),
        ("http.headers.X-Api-Key", "{url: 'http://bi', headers: {\n  X-Api-Key: abc}}"),
        ("http.headers.private-token", "{url: 'http://bi', headers: {\n  private-token: '${T:-abc}'}}"),
        ("http.url", "{\n  url: 'https://ann:pw@bi/x'}"),
        ("http.url", "{\n  url: 'https://bi/x?api_key=abc'}"),
        ("http.json", "{url: 'http://bi',\n  json: {auth: [{client_secret: abc}]}}"),
    ],
)
def test_a_literal_secret_is_refused_with_its_line(load: Load, key: str, value: str) -> None:
    """In a header, a URL or a body; the message does not repeat it."""
    found = mistakes(load, f"steps:\n x:\n  after: [a]\n  http: {value}\n")
    assert found == [f"5: 'steps.x.{key}': {SECRET}"]


def test_a_secret_option_of_a_command_is_refused(load: Load) -> None:
    """As in `--token=…`."""
    assert mistakes(load, "steps:\n x:\n  after: [a]\n  command: [bi, --api-token=abc]\n") == [
        f"4: 'steps.x.command': {SECRET}"
    ]


@pytest.mark.parametrize(
    "http",
    [
        "{url: 'https://${USER}:${PW}@bi/x?token=${T}', headers: {X-Key: '${K}', Accept: text/plain}}",
        "{url: 'https://bi/x?token_type=none', json: {password: '${PW}', token: none, limit: 5}}",
    ],
)
def test_secrets_of_the_environment_are_accepted(load: Load, http: str) -> None:
    """They need not be set to read the file."""
    assert load(f"steps:\n x:\n  after: [a]\n  http: {http}\n").steps["x"].http.url is not None
