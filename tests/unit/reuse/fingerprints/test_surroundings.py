"""A flag that limits what is read is part of the fingerprints that it can reach, and of no other."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from dbt.artifacts.resources.types import BatchSize
from dbt.materializations.incremental.microbatch import MicrobatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.nodes.dbt_nodes import DbtNode
from orchestrator.reuse.fingerprints.surroundings import Surroundings, limits_for
from tests.graph_factories import make_source
from tests.unit.reuse.fingerprints.making import model, project

ALL = Surroundings(
    limits={
        "empty": "True",
        "sample": "1 day",
        "event-time-start": "2024-01-01",
        "event-time-end": "2024-01-02",
        "store-failures": "True",
    }
)
TIMED = replace(make_source("timed"), reading={"config": {"event_time": "at"}})
PARTS = (
    model("model.first"),
    model("model.timed", "", "model.first", config={"event_time": "at"}),
    TIMED,
)


def reached(node: DbtNode) -> set[str]:
    """Return the limits that reach a node."""
    return {name.removeprefix("setting:") for name in limits_for(node, project(*PARTS, node), ALL)}


def test_empty_affects_nodes_that_read_parents() -> None:
    """By `ref()` or `source()`; unit tests bring their own rows."""
    assert reached(model("model.a", "", "model.first")) == {"empty"}
    assert reached(model("model.a")) == set()
    assert reached(model("seed.s", "")) == set()
    assert reached(model("unit_test.u", "", "model.first")) == set()


def test_a_sample_reaches_models_and_snapshots_below_an_event_time() -> None:
    """Of a node or of a source; a data test reads all rows."""
    assert reached(model("model.a", "", "model.timed")) == {"empty", "sample"}
    assert reached(model("snapshot.a", "", "source.raw.timed")) == {"empty", "sample"}
    assert reached(model("test.t", "", "model.timed")) == {"empty", "store-failures"}


def test_event_times_reach_microbatch_models_only() -> None:
    """Which have batches whether a parent has an event time or not; a sample decides on their batches too."""
    microbatch = {"materialized": "incremental", "incremental_strategy": "microbatch"}
    found = reached(model("model.a", "", "model.first", config=microbatch))
    assert found == {"empty", "sample", "event-time-start", "event-time-end"}
    assert reached(model("model.a", "", "model.timed", config={**microbatch, "incremental_strategy": "merge"})) == {
        "empty",
        "sample",
    }


def test_store_failures_applies_to_tests_without_a_setting_of_their_own() -> None:
    """The flag decides where the configuration does not."""
    assert reached(model("test.t", "", "model.first")) == {"empty", "store-failures"}
    assert reached(model("test.t", "", "model.first", config={"store_failures": False})) == {"empty"}


@given(st.sampled_from(sorted(ALL.limits)), st.text(max_size=5))
def test_a_limiting_flag_that_affects_a_node_counts_with_its_value(name: str, value: str) -> None:
    """Two values are two parts."""
    node = model(
        "model.a", "", "model.timed", config={"materialized": "incremental", "incremental_strategy": "microbatch"}
    )
    here = Surroundings(limits={name: value})
    found = limits_for(node, project(*PARTS, node), here)
    if name != "store-failures":
        other = limits_for(node, project(*PARTS, node), Surroundings(limits={name: f"{value}x"}))
        assert found.keys() - {"batches"} == other.keys() - {"batches"} == {f"setting:{name}"}
        assert found != other
    assert limits_for(node, project(*PARTS, node), Surroundings()).keys() == {"batches"}


MOMENTS = st.one_of(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001  # dbt's are without a zone
    st.builds(lambda day: datetime(2024, 1, 1) + timedelta(days=day), st.integers(0, 800)),  # noqa: DTZ001  # as above
)


@given(MOMENTS, st.sampled_from(["hour", "day", "month", "year"]), st.timedeltas(timedelta(0), timedelta(days=40)))
def test_batches_stay_the_same_until_dbt_rounds_to_another_end(then: datetime, size: str, later: timedelta) -> None:
    """Two invocations take the same batches of a microbatch model if and only if dbt ends them at the same moment."""
    now = then + later
    config = {"materialized": "incremental", "incremental_strategy": "microbatch", "batch_size": size}
    node = model("model.a", config=config)
    parts = [limits_for(node, project(node), Surroundings(started_at=at))["batches"] for at in (then, now)]
    ends = [MicrobatchBuilder.ceiling_timestamp(at.replace(tzinfo=UTC), BatchSize(size)) for at in (then, now)]
    assert (parts[0] == parts[1]) == (ends[0] == ends[1])


def test_batches_with_an_explicit_end_do_not_end_at_the_present() -> None:
    """With --event-time-end, or a sample."""
    config = {"materialized": "incremental", "incremental_strategy": "microbatch", "batch_size": "day"}
    node = model("model.a", config=config)
    for limit in ("event-time-end", "sample"):
        assert "batches" not in limits_for(node, project(node), Surroundings(limits={limit: "2024-01-02"}))
