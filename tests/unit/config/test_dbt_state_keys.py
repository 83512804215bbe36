"""What a model's configuration of dbt State means to elt."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.config.dbt_state_keys import UNUSED, StateWish, mistakes_of_state, wish_of_state
from orchestrator.config.node_wishes import FreshnessPolicy

UNITS = {
    "s": 1,
    "seconds": 1,
    "m": 60,
    "minute": 60,
    "h": 3600,
    "hours": 3600,
    "d": 86_400,
    "day": 86_400,
    "w": 604_800,
}


@given(st.integers(1, 500), st.sampled_from(sorted(UNITS)), st.sampled_from(["", " "]))
def test_a_tolerance_is_a_number_and_a_unit(number: int, unit: str, gap: str) -> None:
    """In each unit that dbt State knows, short or long."""
    wish = wish_of_state({"state": {"lag_tolerance": f"{number}{gap}{unit}"}})
    assert wish == StateWish(lag_tolerance=timedelta(seconds=number * UNITS[unit]))


@pytest.mark.parametrize("period", [("minute", 60), ("hour", 3600), ("day", 86_400)])
def test_a_tolerance_may_be_a_count_and_a_period(period: tuple[str, int]) -> None:
    """As dbt 1.12 describes the key in its schema, and as `freshness.build_after` always was."""
    rules = {"count": 4, "period": period[0]}
    expected = timedelta(seconds=4 * period[1])
    assert wish_of_state({"state": {"lag_tolerance": rules}}).lag_tolerance == expected
    assert wish_of_state({"freshness": {"build_after": {**rules, "updates_on": "any"}}}).lag_tolerance == expected


@pytest.mark.parametrize("zero", ["0s", {"count": 0, "period": "day"}, {"count": None, "period": None}])
def test_no_tolerance_is_none(zero: object) -> None:
    """`0s` means what elt does anyway."""
    assert wish_of_state({"state": {"lag_tolerance": zero}}) == StateWish()


def test_fresh_data_may_be_required_from_all_parents() -> None:
    """`state.require_fresh_data_from`, and `updates_on` before it."""
    assert wish_of_state({"state": {"require_fresh_data_from": "all"}}).freshness_policy is FreshnessPolicy.ALL
    assert wish_of_state({"state": {"require_fresh_data_from": "any"}}).freshness_policy is FreshnessPolicy.ANY
    before = {"build_after": {"count": 1, "period": "day", "updates_on": "all"}}
    assert wish_of_state({"freshness": before}).freshness_policy is FreshnessPolicy.ALL


def test_state_wins_over_what_it_replaces() -> None:
    """Key by key."""
    before = {"build_after": {"count": 1, "period": "day", "updates_on": "all"}}
    both = {"state": {"lag_tolerance": "2h", "require_fresh_data_from": "any"}, "freshness": before}
    assert wish_of_state(both) == StateWish(lag_tolerance=timedelta(hours=2), freshness_policy=FreshnessPolicy.ANY)
    one = wish_of_state({"state": {"pre_clone": "never"}, "freshness": before})
    assert one == StateWish(lag_tolerance=timedelta(days=1), freshness_policy=FreshnessPolicy.ALL)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pre_clone", "if_missing"),
        ("pre_clone", "always"),
        ("execute_hooks_on_any_reuse", True),
        ("execute_hooks_on_reuse", "true"),
        ("evaluate_volatile_sql", False),
        ("compare_unrendered_code", True),
    ],
)
def test_what_elt_cannot_do_is_told(key: str, value: object) -> None:
    """Each key with the reason."""
    assert wish_of_state({"state": {key: value}}).unused == ((f"state.{key}", UNUSED[key]),)


def test_an_unknown_key_beside_known_ones_is_told() -> None:
    """dbt State may get more keys."""
    wish = wish_of_state({"state": {"lag_tolerance": "1h", "news": 1}})
    assert wish.unused == (("state.news", "elt does not know this key"),)


@pytest.mark.parametrize(
    "state",
    [
        {"pre_clone": "never", "execute_hooks_on_any_reuse": False},
        {"evaluate_volatile_sql": True, "compare_unrendered_code": "false", "pre_clone": None},
        {"name": "NY"},
        "NY",
        None,
    ],
)
def test_what_elt_does_anyway_and_a_key_of_the_project_are_not_told(state: object) -> None:
    """A project may use the word `state` for something else."""
    assert wish_of_state({"state": state}) == StateWish()


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"lag_tolerance": "soon"}, "'state.lag_tolerance' is 'soon': expected a duration such as 45m, 4h or 7d"),
        ({"lag_tolerance": 4}, "'state.lag_tolerance' is '4': expected a duration such as 45m, 4h or 7d"),
        ({"require_fresh_data_from": "some"}, "'state.require_fresh_data_from' is 'some': expected any or all"),
    ],
)
def test_a_wrong_value_is_a_mistake(state: dict[str, object], told: str) -> None:
    """dbt does not check these values."""
    assert list(mistakes_of_state({"state": state}, None)) == [told]


def test_two_names_of_one_setting_may_not_contradict_each_other() -> None:
    """Equal values are allowed."""
    state = {"state": {"require_fresh_data_from": "all"}}
    (told,) = mistakes_of_state(state, {"freshness_policy": "any"})
    assert "both mean the same, so set one of them" in told
    assert not list(mistakes_of_state(state, {"freshness_policy": "all"}))
    assert not list(mistakes_of_state(state, None))


@pytest.mark.parametrize("value", ["99999999999999d", "9" * 5_000 + "s", {"count": 9_999_999_999_999, "period": "day"}])
def test_a_tolerance_that_no_date_can_have_is_a_mistake(value: object) -> None:
    """And not a crash."""
    (mistake,) = wish_of_state({"state": {"lag_tolerance": value}}).mistakes
    assert mistake.endswith("expected a duration of at most 100 years")
    if isinstance(value, dict):
        (mistake,) = wish_of_state({"freshness": {"build_after": value}}).mistakes
        assert mistake.startswith("'freshness.build_after' is ")
