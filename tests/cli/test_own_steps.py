"""Steps of one's own in real runs: a BI tool after the marts, a sync before a source, commands and functions."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from orchestrator.suggestions import selection_words
from tests.cli.conftest import ended, really_start, start
from tests.fakes.loopback import Loopback, serving
from tests.functional.shop import sql, write_shop

pytestmark = pytest.mark.functional

EXPOSURE = """
    exposures:
      - name: weekly
        type: dashboard
        owner: {name: Ann, email: ann@example.com}
        depends_on: [ref('fct_orders'), ref('dim_customers')]
    """
FRESH = """
    sources:
      - name: raw
        schema: raw
        tables:
          - name: customers
          - name: orders
            config: {loaded_at_query: "select now()", freshness: {error_after: {count: 1, period: day}}}
    """
CHAIN = (Path(__file__).parents[2] / "docs" / "steps.md").read_text().split("```yaml\n")[1].split("```")[0]
"""The example of the documentation."""
TOKEN = "tok-en-4711-abc"


@pytest.fixture
def server(monkeypatch) -> Iterator[Loopback]:
    with serving() as known:
        monkeypatch.setenv("BI_URL", known.url)
        monkeypatch.setenv("CHAT_URL", known.url)
        known.script("/datasets/7/refresh", 202)
        known.script("/hooks/ops", 200)
        monkeypatch.setenv("BI_TOKEN", TOKEN)
        yield known


def started(said) -> list[str]:
    """Give the ids of the steps in the order in which they started."""
    events = [json.loads(line) for line in said.out.splitlines()]
    return [event["step_id"] for event in events if event["event"] == "step_started"]


def all_texts(shop: Path) -> Iterator[tuple[Path, bytes]]:
    """Give everything that elt and dbt wrote."""
    for folder in (".elt", "target", "logs"):
        for file in (shop / folder).rglob("*"):
            if file.is_file():
                yield file, file.read_bytes()


def test_the_chain_from_staging_to_a_notification(elt, tmp_path, server):
    """Staging, its tests, marts, their tests, the BI tool, the notification; dbt's artifacts have dbt's nodes only."""
    shop = write_shop(tmp_path, {"models/exposures.yml": EXPOSURE, "elt.yml": CHAIN})
    run = elt("run", "--json", project=shop)
    assert run.code == 0, run.out + run.err
    order = started(run)
    assert order[-3:] == ["exposure.shop.weekly", "step.refresh_bi", "step.notify_ops"]
    for earlier, later in (("stg_orders", "fct_orders"), ("fct_orders", "dim_customers")):
        tests = [at for at, step in enumerate(order) if step.startswith("test.") and f"_{earlier}_" in step]
        assert order.index(f"model.shop.{earlier}") < min(tests)
        assert max(tests) < order.index(f"model.shop.{later}")
    assert server.paths() == ["POST /datasets/7/refresh", "POST /hooks/ops"]
    assert server.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"
    run_id = json.loads(run.out.splitlines()[0])["run_id"]
    assert json.loads(server.asked[1].body) == {"text": f"The dashboard of run {run_id} is ready."}
    results = json.loads((shop / "target/run_results.json").read_text())["results"]
    assert all(not result["unique_id"].startswith("step.") for result in results)
    elt("logs", "step:refresh_bi", project=shop).reports("step:refresh_bi", code=0)


def test_a_secret_of_a_step_is_masked_wherever_it_appears(elt, tmp_path, server):
    """The step itself may use it; nothing that elt or dbt writes contains it."""
    steps = """
        steps:
          tell:
            after: [stg_orders]
            command: [bash, -c, 'echo "$ELT_STEP $ELT_TARGET token=$BI_TOKEN" | tee told.txt; exit 1']
            env: [BI_TOKEN]
          call: {after: [stg_orders], http: {url: "${BI_URL}/no?key=${BI_TOKEN}", headers: {X-Any: "${BI_TOKEN}"}}}
        """
    server.script("/no", lambda: (400, {"echo": TOKEN}))
    shop = write_shop(tmp_path, {"elt.yml": steps})
    run = elt("run", "--select", "stg_orders+1", project=shop)
    run.reports("token=*****", "HTTP 400", code=1)
    assert (shop / "told.txt").read_text() == f"tell dev token={TOKEN}\n"
    assert "token=*****" in (shop / ".elt/logs/step-tell.log").read_text()
    assert TOKEN not in run.out + run.err
    assert [file for file, text in all_texts(shop) if TOKEN.encode() in text] == []


def test_whatever_fills_in_a_step_is_masked(elt, tmp_path, server, monkeypatch):
    """In a URL, a body, a command: neither the record nor a log nor the terminal has it; scheme and host stay."""
    hook, body, word = "SUPERSECRETHOOK123", "of-a-body-4711", "of-a-command-815"
    monkeypatch.setenv("CHAT_HOOK", f"{server.url}/services/T0/B0/{hook}")
    monkeypatch.setenv("BODY_VALUE", body)
    monkeypatch.setenv("CMDVAL", word)
    steps = """
        steps:
          chat: {after: [stg_orders], http: {url: "${CHAT_HOOK}", json: {text: "${BODY_VALUE}"}}}
          gone: {after: [stg_orders], http: {url: "${CHAT_HOOK}/none"}}
          tell: {after: [stg_orders], command: [sh, -c, "echo arg ${CMDVAL}; exit 3"]}
        """
    server.script(f"/services/T0/B0/{hook}", lambda: (400, {"echo": body, "no": hook}))
    shop = write_shop(tmp_path, {"elt.yml": steps})
    run = elt("run", "--select", "stg_orders+1", project=shop)
    run.reports("arg *****", "HTTP 400", "HTTP 404", code=1)
    assert f"POST {server.url}/*****\n" in (shop / ".elt/logs/step-chat.log").read_text()
    for secret in (hook, body, word):
        assert secret not in run.out + run.err
        assert [file for file, text in all_texts(shop) if secret.encode() in text] == []


def test_a_failed_test_of_a_mart_halts_the_steps_after_it(elt, tmp_path, server):
    """Also when a later run names only the step: the gate stays closed until the test passes."""
    twice = "select order_id, customer_id, name, amount from {{ ref('int_orders') }} union all select 10, 1, 'x', 0"
    files = {"models/exposures.yml": EXPOSURE, "elt.yml": CHAIN, "models/marts/fct_orders.sql": twice}
    shop = write_shop(tmp_path, files)
    run = elt("run", project=shop)
    run.reports("step:refresh_bi", "unique_fct_orders_order_id", code=1)
    assert server.asked == []
    alone = elt("run", "--select", "step:refresh_bi", "--upstream", "none", project=shop)
    alone.reports("unique_fct_orders_order_id did not pass when it last ran", code=1)
    assert server.asked == []
    (shop / "models/marts/fct_orders.sql").write_text(twice.partition(" union")[0])
    first = json.loads(elt("history", "--json", project=shop).out.splitlines()[-1])
    assert elt("retry", first["run_id"], project=shop).code == 0
    assert server.paths() == ["POST /datasets/7/refresh", "POST /hooks/ops"]


SYNC = """
    steps:
      sync_orders:
        before: [source:raw.orders]
        http:
          url: ${BI_URL}/v1/jobs
          json: {connectionId: "${CONNECTION:-c-1}", jobType: sync}
          poll: {url: "/v1/jobs/{response.jobId}", field: status, success: [succeeded], failure: [failed], every: 20ms}
    """


def test_a_sync_runs_before_the_gate_of_its_source_and_closes_it_when_it_fails(elt, tmp_path, server):
    """Started, and polled to its end; what reads the other source runs."""
    shop = write_shop(tmp_path, {"models/sources.yml": FRESH, "elt.yml": SYNC})
    server.script("/v1/jobs", {"jobId": 12})
    server.script("/v1/jobs/12", {"status": "running"}, {"status": "succeeded"})
    run = elt("run", "--select", "fct_orders", "--json", project=shop)
    order = started(run)
    assert order.index("step.sync_orders") < order.index("freshness.source.shop.raw.orders")
    assert json.loads(server.asked[0].body) == {"connectionId": "c-1", "jobType": "sync"}
    server.script("/v1/jobs/12", {"status": "failed"})
    failed = elt("run", project=shop)
    failed.reports("status is failed", "success model stg_customers", code=1)
    assert "success    model stg_orders" not in failed.out
    elt("plan", "--no-ingest", project=shop).reports("raw.orders", code=0)
    assert "step:sync_orders" not in elt("plan", "--no-ingest", project=shop).out
    server.script("/v1/jobs/12", {"status": "succeeded"})
    assert elt("ingest", project=shop).code == 0


def test_new_rows_of_a_sync_are_seen_by_what_reads_them(elt, tmp_path):
    """With --skip-unchanged, a model below is reused if the sync brought nothing, and rebuilt if it did."""
    steps = """
        steps:
          sync: {before: [source:raw.orders], command: ["true"]}
        """
    shop = write_shop(tmp_path, {"elt.yml": steps})
    assert elt("run", project=shop).code == 0
    elt("plan", "--skip-unchanged", project=shop).reports("runs if raw.orders gets new rows", code=0)
    again = elt("run", "--skip-unchanged", project=shop)
    again.reports("success step:sync", "reused model fct_orders", code=0)


INPUTS = """
    steps:
      train:
        after: [fct_orders]
        python: "ml.train:main"
        inputs: [ml/*.py]
      tell: {after: ["step:train"], command: ["true"], inputs: []}
    """
TRAIN = """
    import os
    def main():
        print("trained for", os.environ["ELT_TARGET"])
    """


def test_a_step_with_inputs_is_reused_until_they_change(elt, tmp_path):
    """Its files by content, and what it follows by their results; the reason is shown."""
    shop = write_shop(tmp_path, {"elt.yml": INPUTS, "ml/train.py": TRAIN})
    assert elt("run", project=shop).code == 0
    assert (shop / ".elt/logs/step-train.log").read_text() == "trained for dev\n"
    elt("run", "--skip-unchanged", project=shop).reports("reused step:train", "reused step:tell", code=0)
    assert (shop / ".elt/logs/step-train.log").read_text() == "trained for dev\n"
    (shop / "ml/train.py").write_text("def main():\n    print('again')\n")
    elt("plan", "--skip-unchanged", project=shop).reports("ml/train.py changed", code=0)
    elt("run", "--skip-unchanged", project=shop).reports("success step:train", "success step:tell", code=0)
    sql(shop, "insert into raw.orders values (13, 1, 2.0)")
    changed = elt("run", "--skip-unchanged", project=shop)
    changed.reports("success model fct_orders", "success step:train", code=0)
    (shop / "elt.yml").write_text((shop / "elt.yml").read_text().replace("ml.train:main", "ml.train:print"))
    (shop / "ml/train.py").write_text("from builtins import print\n")
    assert "success    step:train" in elt("run", "--skip-unchanged", project=shop).out


def test_a_step_without_inputs_always_runs(elt, tmp_path):
    """And so does a step after it, because what it did is not known."""
    steps = INPUTS.replace("        inputs: [ml/*.py]\n", "")
    shop = write_shop(tmp_path, {"elt.yml": steps, "ml/train.py": TRAIN})
    assert elt("run", project=shop).code == 0
    again = elt("run", "--skip-unchanged", project=shop)
    again.reports("reused model fct_orders", "success step:train", "success step:tell", code=0)
    elt("plan", "--skip-unchanged", project=shop).reports("step:train has no inputs", code=0)


def test_a_passing_error_is_tried_again(elt, tmp_path, server):
    """A busy server, and a command that says so with exit code 75; other errors are not."""
    steps = """
        repeats: {steps: {times: 2, after: 10ms}}
        steps:
          call: {after: [stg_orders], http: {url: "${BI_URL}/x"}}
          busy: {after: [stg_orders], command: [bash, -c, 'echo once >> busy; [ $ELT_ATTEMPT -gt 1 ] || exit 75']}
          wrong: {after: [stg_orders], command: [bash, -c, 'echo once >> wrong; echo no such thing >&2; exit 3']}
        """
    shop = write_shop(tmp_path, {"elt.yml": steps})
    server.script("/x", 503, 429, 200)
    run = elt("run", "--select", "stg_orders+1", project=shop)
    run.reports("success step:call", "success step:busy", "bash ended with code 3: no such thing", code=1)
    assert server.paths() == ["POST /x"] * 3
    assert (shop / "busy").read_text() == "once\n" * 2
    assert (shop / "wrong").read_text() == "once\n"


def test_a_function_that_raises_is_an_error_with_its_place(elt, tmp_path):
    """The traceback is in the log of the step; a connection error is tried again."""
    files = {"elt.yml": INPUTS, "ml/train.py": "def main():\n    raise ValueError('no rows')\n"}
    shop = write_shop(tmp_path, files)
    run = elt("run", "--select", "step:train", project=shop)
    run.reports("ValueError: no rows", "ml/train.py:2", code=1)
    assert "Traceback" in (shop / ".elt/logs/step-train.log").read_text()


GROUP = """
    time_limits: {slow: LIMIT}
    steps:
      slow: {after: [stg_orders], command: [bash, -c, 'sleep 300 & echo $! $$ > pids; wait; echo never']}
    """


def processes(shop: Path) -> list[int]:
    """Wait until the step has started, and give its processes."""
    until = time.monotonic() + 60
    while not (shop / "pids").exists() or not (shop / "pids").read_text().endswith("\n"):
        assert time.monotonic() < until
        time.sleep(0.02)
    return [int(pid) for pid in (shop / "pids").read_text().split()]


def all_end(pids: list[int]) -> bool:
    """Wait a few seconds until none of these processes is left."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in pids):
            return True
        time.sleep(0.05)
    return False


def test_a_time_limit_ends_all_processes_of_a_step(elt, tmp_path):
    """Those that it started in the background too."""
    shop = write_shop(tmp_path, {"elt.yml": GROUP.replace("LIMIT", "1s")})
    run = elt("run", "--select", "step:slow", "--upstream", "none", project=shop)
    run.reports("step:slow", "limit", code=1)
    assert all_end(processes(shop))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_process_of_a_step_outlives_the_run(elt, tmp_path, number):
    """After Ctrl-C and after kill -9; a resumed run starts the step again."""
    shop = write_shop(tmp_path, {"elt.yml": GROUP.replace("LIMIT", "none")})
    run = start("run", "--select", "step:slow", "--upstream", "none", project=shop)
    pids = processes(shop)
    os.kill(run.pid, number)
    code = ended(run).code
    assert code == (130 if number == signal.SIGINT else -9)
    assert all_end(pids)
    (shop / "elt.yml").write_text((shop / "elt.yml").read_text().replace("sleep 300", "true"))
    elt("resume", project=shop).refuses("step:slow (elt.yml)", "--accept-changes")
    (shop / "pids").unlink()
    elt("resume", "--accept-changes", project=shop).reports("success step:slow", code=0)
    assert (shop / "pids").exists()


def test_a_real_process_that_is_killed_leaves_no_process(tmp_path):
    """Nothing of the tests is between elt and its child here."""
    shop = write_shop(tmp_path, {"elt.yml": GROUP.replace("LIMIT", "none")})
    run = really_start("run", "--select", "step:slow", "--upstream", "none", project=shop)
    pids = processes(shop)
    run.kill()
    run.wait()
    run.communicate()
    assert all_end(pids)


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (
            "{after: [fct_order], command: ['true']}",
            "'after' names 'fct_order', which matches nothing. Did you mean 'fct_orders'",
        ),
        ("{after: ['tag:x'], command: ['true']}", "'after' names 'tag:x', which matches nothing"),
        ("{after: ['state:modified'], command: ['true']}", "'after': The selection compares with an earlier run"),
        (
            "{before: [source:ra], command: ['true']}",
            "'before' names 'source:ra', which matches nothing. Did you mean 'source:raw'",
        ),
        ("{before: [fct_orders], command: ['true']}", "'before' names 'fct_orders', which is not a dbt source"),
        ("{after: [fct_orders], before: [source:raw], command: ['true']}", "The nodes depend on each other in a cycle"),
        ("{after: ['step:x'], command: ['true']}", "'after' names 'step:x', which matches nothing"),
        ("{after: [fct_orders], command: [no-such-program]}", "the program no-such-program is not on the PATH"),
        ("{after: [fct_orders], command: [./models]}", ""),
        ("{after: [fct_orders], command: ['true'], env: [NO_SUCH]}", "the environment variable NO_SUCH is not set"),
        ("{after: [fct_orders], python: 'ml:main'}", "there is no Python module ml in"),
    ],
)
def test_a_mistake_in_a_step_is_told_with_its_line(elt, tmp_path, step, told):
    """What can be known before the run is told then, and nothing runs."""
    shop = write_shop(tmp_path, {"elt.yml": f"steps:\n  x:\n    {step}\n"})
    run = elt("run", project=shop)
    run.refuses(f"elt.yml:3: 'steps.x': {told}")
    assert "start " not in run.out


def test_a_variable_that_is_not_set_matters_only_to_a_run(elt, tmp_path):
    """A developer can list and plan without the secrets of production."""
    steps = "steps:\n  x: {after: [fct_orders], http: {url: 'http://bi', headers: {Authorization: '${NO_SUCH}'}}}\n"
    shop = write_shop(tmp_path, {"elt.yml": steps})
    elt("ls", "--select", "step:*", project=shop).reports("step:x", code=0)
    elt("plan", project=shop).reports("step:x", code=0)
    elt("run", project=shop).refuses("the environment variable NO_SUCH is not set")
    assert elt("run", "--exclude", "step:x", project=shop).code == 0


def test_a_prefixed_run_and_elt_test_run_no_steps(elt, tmp_path):
    """Steps act on systems that a prefix does not keep apart."""
    shop = write_shop(tmp_path, {"elt.yml": "steps:\n  x: {after: [fct_orders], command: [touch, ran]}\n"})
    plan = elt("plan", "--schema-prefix", "pr_", project=shop)
    plan.reports("step:x does not run with --schema-prefix", code=0)
    only = elt("run", "--schema-prefix", "pr_", "--select", "step:x", project=shop)
    only.refuses("Only steps of elt.yml are selected (step:x)")
    elt("test", "--select", "step:x", project=shop).refuses("`elt test` runs none of them")
    assert elt("run", project=shop).code == 0
    (shop / "ran").unlink()
    assert elt("test", project=shop).code == 0
    assert not (shop / "ran").exists()


def test_the_plan_and_the_record_name_a_step_as_commands_do(elt, tmp_path):
    """In JSON too, with what it does."""
    shop = write_shop(tmp_path, {"elt.yml": INPUTS, "ml/train.py": TRAIN})
    plan = json.loads(elt("plan", "--json", project=shop).out)
    train = next(step for step in plan["steps"] if step["id"] == "step.train")
    assert (train["kind"], train["does"], train["inputs"]) == ("step", "python", ["ml/*.py"])
    assert elt("run", "--select", "fct_orders+", project=shop).code == 0
    elt("show", project=shop).reports("step:train", code=0)
    assert {"step:train", "step:tell"} <= set(selection_words(shop))
    elt("explain", "step:train", project=shop).refuses("step:train is a step of elt.yml:3")
