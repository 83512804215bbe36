"""What holds for each step: defaults, elt.yml, `meta.elt`, the command line, in this order."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.config.repeat_settings import LimitWish, OnTimeLimit, RepeatWish
from orchestrator.config.settings import Settings
from orchestrator.errors import ConfigurationError
from orchestrator.execution.attempt_rules import attempt_rules
from orchestrator.execution.attempts import AttemptRules
from orchestrator.execution.repeats import RepeatPolicy
from orchestrator.plan.command import Command
from orchestrator.plan.step import StepId
from orchestrator.report.attempts_text import AttemptsText, attempts_text
from tests.factories import make_plan
from tests.graph_factories import make_dlt_source, make_graph, make_node, make_source, plan_for

BTS = make_dlt_source("bts", "flights")
PLAN = make_plan("load_bts -> stg -> test_key, stg -> suite_stg, fresh_raw -> stg, hook_start")


def rules(command: Command | None = None, meta: object = None, **settings: object) -> AttemptRules:
    """Give the rules of the plan, with a model `stg` in the manifest."""
    node = make_node("model.stg", meta={} if meta is None else {"elt": meta, "owner": "ada"})
    known = Settings(
        project_root=Path("/shop"), dbt_project_dir=Path("/shop"), elt_yml=Path("/shop/elt.yml"), **settings
    )
    return attempt_rules(known, make_graph(node), PLAN, command or Command())


def shown(policy: RepeatPolicy) -> tuple[int, float, float | None]:
    limit = policy.time_limit
    return policy.repeats, policy.first_delay.total_seconds(), None if limit is None else limit.total_seconds() / 60


def test_each_kind_has_its_defaults():
    """Loads wait for minutes, everything else for seconds."""
    found = {str(step_id): shown(policy) for step_id, policy in rules().policies.items()}
    others = ("stg", "test_key", "suite_stg", "fresh_raw", "hook_start")
    assert found == {"load_bts": (5, 60, 30), **dict.fromkeys(others, (2, 5, 120))}


def test_on_a_terminal_loads_are_retried_after_seconds():
    """Unless elt.yml says how often."""
    watched = Command(watched=True)
    assert shown(rules(watched).policies["load_bts"]) == (2, 5, 30)
    assert shown(rules(watched, repeats={"ingest": RepeatWish(times=3)}).policies["load_bts"]) == (3, 60, 30)
    assert shown(rules(watched, repeats={"ingest": RepeatWish(after=timedelta(1))}).policies["load_bts"])[0] == 2


def test_the_setting_nearest_to_the_node_wins():
    """A kind, then a node in elt.yml, then its meta, then the command line; what is not said stays."""
    said = {"dbt": RepeatWish(times=7, after=timedelta(seconds=9)), "stg": RepeatWish(times=4)}
    limits = {"dbt": LimitWish(limit=None), "stg": LimitWish(limit=timedelta(minutes=3))}
    found = rules(repeats=said, time_limits=limits).policies
    assert (shown(found["test_key"]), shown(found["stg"])) == ((7, 9, None), (4, 9, 3))
    meta = {"repeats": {"after": "20s", "on_time_limit": "repeat"}, "time_limit": "1h"}
    policy = rules(meta=meta, repeats=said, time_limits=limits).policies["stg"]
    assert (shown(policy), policy.repeats_time_limit) == ((4, 20, 60), True)
    policies = rules(Command(repeats=0), meta=meta, repeats=said).policies
    assert {policy.repeats for policy in policies.values()} == {0}


def test_a_rule_of_a_kind_is_shown_once() -> None:
    """And of a node where it is another; nothing where the defaults hold."""
    said = {"dbt": RepeatWish(times=7), "stg": RepeatWish(times=4)}
    limits = {"run": LimitWish(limit=timedelta(hours=6)), "stg": LimitWish(limit=None)}
    known = Settings(project_root=Path(), dbt_project_dir=Path(), repeats=said, time_limits=limits)
    told = attempts_text(rules(repeats=said, time_limits=limits), known, PLAN, Command())
    assert told.of_kinds == {"dbt": "up to 8 attempts", "run": "6 h limit"}
    assert told.of_steps == {"stg": "up to 5 attempts, no time limit"}
    assert attempts_text(rules(), replace(known, repeats={}, time_limits={}), PLAN, Command()) == AttemptsText()


def test_the_runs_time_limit_comes_from_the_command_line_or_elt_yml():
    """Without either there is none."""
    limits = {"run": LimitWish(limit=timedelta(hours=6))}
    assert rules().run_limit is None
    assert rules(time_limits=limits).run_limit == timedelta(hours=6)
    assert rules(Command(time_limit=timedelta(minutes=1)), time_limits=limits).run_limit == timedelta(minutes=1)
    assert rules(Command(time_limit=timedelta()), time_limits=limits).run_limit is None


def test_hooks_are_not_run_again_after_a_limit():
    """They have begun: dbt runs each once."""
    found = rules(repeats={"dbt": RepeatWish(on_time_limit=OnTimeLimit.REPEAT)}).policies
    assert found["test_key"].repeats_time_limit
    assert not found["hook_start"].repeats_time_limit


def test_all_mistakes_are_reported_at_once():
    """A name that nothing has, with its line; wrong words in meta, with the file of the node."""
    with pytest.raises(ConfigurationError) as caught:
        rules(
            meta={"repeats": {"time": 3, "after": "soon"}, "time_limit": 0},
            repeats={name: RepeatWish(times=1, line=line) for line, name in enumerate(["stgg", "xyz", "run"], 4)},
            time_limits={"ingets": LimitWish(limit=None, line=9)},
        )
    told = [line.strip() for line in caught.value.message.splitlines()[1:]]
    assert [line.split(":")[0] for line in told[:3]] == ["/shop/elt.yml"] * 3
    assert "'stg'" in told[0]
    assert told[1].endswith("known here: ingest, dbt, checks, steps, the name or the id of any node")
    assert told[2].startswith("/shop/elt.yml:6: 'repeats.run': there is no such kind")
    assert "'ingest'" in told[3]
    assert "Did you mean 'times'?" in told[4]
    assert "expected a duration" in told[5]
    assert "longer than nothing" in told[6]


@pytest.mark.parametrize("meta", [3, [1]])
def test_a_meta_that_is_not_a_mapping_is_refused(meta):
    """`meta.elt` takes keys."""
    with pytest.raises(ConfigurationError, match=r"meta\.elt"):
        rules(meta=meta)


def test_other_meta_keys_belong_to_other_tools():
    """What is not about tries is left alone; a number alone says how often."""
    assert rules(meta={"volatile": False, "repeats": 9}).policies["stg"].repeats == 9


@pytest.mark.parametrize("name", ["bts", "ingest:bts", "ingest.bts", "load_bts", "ingest:load_bts", "bts.flights"])
def test_a_load_can_be_named_in_every_documented_way(name):
    """A key of `repeats` and `time_limits` is any name of the load or of one of its resources."""
    graph = make_graph(make_source("flights"), make_node("model.stg", "source.raw.flights"), loads=[BTS])
    known = Settings(
        project_root=Path("/shop"),
        dbt_project_dir=Path("/shop"),
        elt_yml=Path("/shop/elt.yml"),
        repeats={name: RepeatWish(times=9)},
        time_limits={name: LimitWish(limit=timedelta(minutes=7))},
    )
    rules = attempt_rules(known, graph, plan_for(graph, "model.stg"), Command())
    assert shown(rules.policies[StepId("ingest.load_bts")]) == (9, 60, 7)


def test_a_name_near_to_a_load_is_suggested_as_it_is_shown():
    """The mistake names the load as every message does."""
    graph = make_graph(make_source("flights"), loads=[BTS])
    wish = {"ingest:btss": RepeatWish(times=9)}
    known = Settings(project_root=Path(), dbt_project_dir=Path(), elt_yml=Path("elt.yml"), repeats=wish)
    with pytest.raises(ConfigurationError, match="Did you mean 'ingest:bts'"):
        attempt_rules(known, graph, PLAN, Command())
