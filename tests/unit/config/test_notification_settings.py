"""What elt.yml may say of notifications, and what is said of mistakes."""

import json
from datetime import time, timedelta
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
import yaml

from orchestrator.config.destination_url import AsWritten, ping_url, secret_url
from orchestrator.config.loader import load_settings
from orchestrator.config.notification_settings import DEFAULT_EVENTS, Escalation, NotifyEvent
from orchestrator.errors import ConfigurationError

FULL = """\
notifications:
  destinations:
    team:
      url: ${SLACK_URL}
      reminder: none
      digest: "08:00"
      timezone: Europe/Berlin
      escalate: {after: 1h, to: on-call}
    on-call:
      file: /run/secrets/pager
  rules:
    - to: [team, on-call]
      events: [failure, no_data]
      schedules: nightly
      select: [orders, "tag:finance"]
      owners: ann@example.com
      manual: true
    - to: team
schedules:
  nightly:
    cron: "@daily"
    notify: team
    ping: ${PING_URL}
"""
WRONG = """\
notifications:
  destinations:
    team:
      url: slack://T0123ABCD/B0123ABCD/aBcDeFgHiJkLmNoPqRsTuVwX
    both: {url: "json://localhost/", file: url.txt, reminder: soon}
    "no name": {file: url.txt, escalate: {to: nobody}, digest: 8 o'clock}
  rules:
    - {to: taem, events: [fails], select: "colour:red", schedules: weekly}
    - {events: success}
schedules:
  nightly: {cron: "@daily", notify: somebody, ping: "https://hc-ping.com/0123abcd-4567-89ab-cdef-0123456789ab"}
"""


def load(folder: Path, text: str):
    (folder / "dbt_project.yml").write_text("name: shop\n")
    (folder / "elt.yml").write_text(text)
    return load_settings(folder, environ={})


def test_every_key_of_notifications_is_read(tmp_path: Path) -> None:
    """URLs are kept as they are written: no variable needs to be set until something is sent."""
    settings = load(tmp_path, FULL)
    told = settings.notifications
    team, on_call = told.destinations.values()
    assert (team.name, team.url, team.reminder, team.digest) == ("team", AsWritten("${SLACK_URL}"), None, time(8))
    assert (team.timezone, team.escalate) == ("Europe/Berlin", Escalation(after=timedelta(hours=1), to=("on-call",)))
    assert (on_call.file, on_call.reminder) == ("/run/secrets/pager", timedelta(days=1))
    first, second = told.rules
    assert first.to == ("team", "on-call")
    assert first.events == (NotifyEvent.FAILURE, NotifyEvent.NO_DATA)
    assert (first.schedules, first.owners, first.manual) == (("nightly",), ("ann@example.com",), True)
    assert first.select == ("orders", "tag:finance")
    assert (second.events, second.manual) == (DEFAULT_EVENTS, False)
    assert settings.schedules["nightly"].notify == ("team",)
    assert settings.schedules["nightly"].ping == AsWritten("${PING_URL}")


def test_the_documented_example_is_right(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "notifications.md").read_text()
    example = page.split("```yaml\n")[1].split("```")[0]
    assert list(load(tmp_path, example).notifications.destinations) == ["data-team", "on-call", "finance"]
    schema = json.loads((files("orchestrator.config") / "elt.schema.json").read_text())
    jsonschema.validate(yaml.safe_load(example), schema)


def test_all_mistakes_are_listed_with_their_lines(tmp_path: Path) -> None:
    """And no secret of the file is repeated."""
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, WRONG)
    lines = [line.strip().rsplit("/elt.yml:", 1)[-1] for line in caught.value.message.splitlines()[1:]]
    for start in (
        "4: 'notifications.destinations.team.url': what may be a token is written in the file; put the whole URL into",
        "5: 'notifications.destinations.both.reminder' is 'soon': expected a duration",
        "5: 'notifications.destinations.both': it needs 'url' or 'file', and not both",
        "6: 'notifications.destinations.no name.digest' is '8 o'clock': expected a time of day",
        "6: 'notifications.destinations.no name': a name has letters",
        "6: 'notifications.destinations.no name': 'escalate.to' names 'nobody', which is not a destination",
        "8: 'notifications.rules.0.events' is 'fails': expected failure or recovery",
        "8: 'notifications.rules.0.select' is 'colour:red': expected a name, or tag:…",
        "8: 'notifications.rules.0': 'to' names 'taem', which is not a destination. Did you mean 'team'?",
        "8: 'notifications.rules.0': 'schedules' names 'weekly', which is not a schedule; known here: nightly",
        "9: 'notifications.rules.1' needs the key 'to'",
        "11: 'schedules.nightly.ping': what looks like a token is written in the file",
        "11: 'schedules.nightly': 'notify' names 'somebody', which is not a destination",
    ):
        assert any(line.startswith(start) for line in lines), (start, lines)
    assert "T0123ABCD" not in str(caught.value)
    assert "0123456789ab" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "${SLACK_URL}",
        "${SLACK_URL:-json://localhost:8000/}",
        "slack://${A}/${B}/${C}/#data-team-alerts",
        "json://localhost:8000/",
        "jsons://hooks.example.com/elt/runs",
        "mailto://mail.example.com?from=elt@example.com&to=data@example.com",
        "mailtos://elt:${MAIL_PASSWORD}@mail.example.com",
        "rocket://${USER}:${PASSWORD}@chat.example.com/#data",
        "pagerduty://${KEY}@${TOKEN}",
        "dbus://",
    ],
)
def test_a_url_without_a_secret_may_be_in_the_file(url: str) -> None:
    assert secret_url(url) == AsWritten(url)


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("slack://T0123ABCD/B0123ABCD/aBcDeFgHiJkLmNoP", "what may be a token"),
        ("${SLACK_URL:-slack://T0123ABCD/B0123ABCD/aBcDeFgHiJkLmNoP}", "what may be a token"),
        ("slack://${A}/${B}/aBcDeFgHiJkLmNoPqRsTuVwX", "what may be a token"),
        ("json://user:hunter2@localhost/", "a password"),
        ("mailto://elt:hunter2@mail.example.com", "a password"),
        ("jsons://hooks.example.com/v1/0a1b2c3d4e5f6a7b8c9d", "what looks like a token"),
        ("jsons://hooks.example.com/?token=abc", "the value of 'token'"),
        ("ntfys://our-topic-of-alerts", "what may be a token"),
        ("pagerduty://0a1b2c3d4e5f6a7b@${TOKEN}", "what may be a token"),
    ],
)
def test_a_secret_in_the_file_is_refused(url: str, part: str) -> None:
    with pytest.raises(ValueError, match=f"^{part} is written in the file"):
        secret_url(url)


@pytest.mark.parametrize("url", ["", "localhost", "${NOT CLOSED", None, 7])
def test_what_is_no_url_is_refused(url: object) -> None:
    with pytest.raises(ValueError, match=r"expected a URL|opens a reference"):
        secret_url(url)


def test_a_ping_is_a_web_address() -> None:
    with pytest.raises(ValueError, match="begins with https"):
        ping_url("json://localhost/")


def test_a_variable_that_is_not_set_is_named_when_the_url_is_used() -> None:
    with pytest.raises(ValueError, match=r"SLACK_URL is not set$"):
        AsWritten("${SLACK_URL}").filled({})
    assert AsWritten("${SLACK_URL}").filled({"SLACK_URL": "json://localhost"}) == "json://localhost"


def test_a_key_with_a_wrong_value_is_not_missed_too(tmp_path: Path) -> None:
    """What is wrong is the value; and the mistakes are in the order of their lines."""
    text = """\
schedules:
  nightly:
    wait_for: [{file: "a_{interval_begin}.csv"}]
    cron: "0 25 * * *"
  empty: {owner: ann}
notifications:
  destinations:
    team: {url: slack://T0123ABCD/B0123ABCD/aBcDeFgHiJkLmNoPqRsTuVwX}
  rules: [{to: []}, {events: fails}]
maintenance: [{from: soon, to: 2026-12-27 06:00}]
steps:
  told: {http: {url: 5}, after: {a: 1}}
"""
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text)
    told = [line.partition("elt.yml:")[2] for line in caught.value.message.splitlines()[1:]]
    assert [int(one.partition(":")[0]) for one in told] == sorted(int(one.partition(":")[0]) for one in told)
    said = "\n".join(told)
    assert said.count("it needs 'cron' or 'on'") == 1
    assert "5: 'schedules.empty': it needs 'cron' or 'on'" in said
    for follow_up in ("it needs 'url' or 'file'", "a condition is exactly one of", "a window", "it needs 'after'"):
        assert follow_up not in said, said
    assert "'notifications.rules.1' needs the key 'to'" in said
