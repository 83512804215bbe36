"""Describes the number of attempts and the time limits of a plan's steps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from orchestrator.config.settings import Settings
from orchestrator.execution.attempt_rules import DEFAULTS, RUN, AskedAttempts, kind_of, policy_of_kind, usual_policy
from orchestrator.execution.attempts import AttemptRules
from orchestrator.execution.repeats import RepeatPolicy, in_words
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import StepId

Json = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptsText:
    """What differs from the defaults, in words."""

    of_kinds: Mapping[str, str] = field(default_factory=dict)
    """The text for all steps of a kind, and for the `run`."""
    of_steps: Mapping[StepId, str] = field(default_factory=dict)
    """The text for a step, if its rules differ from those of its kind."""


def attempts_text(rules: AttemptRules, settings: Settings, plan: Plan, asked: AskedAttempts) -> AttemptsText:
    """Describe how the rules of a plan differ from the defaults, once for all steps of a kind."""
    kinds = dict.fromkeys(kind_of(step) for step in plan.steps)
    usual = {kind: policy_of_kind(kind, settings, asked) for kind in kinds}
    of_kinds = {kind: attempts_words(policy, DEFAULTS[kind]) for kind, policy in usual.items()}
    if rules.run_limit is not None:
        of_kinds[RUN] = limit_words(rules.run_limit)
    of_steps = {step.id: attempts_words(rules.of(step.id), usual_policy(step, usual)) for step in plan.steps}
    return AttemptsText(
        of_kinds={kind: words for kind, words in of_kinds.items() if words},
        of_steps={step_id: words for step_id, words in of_steps.items() if words},
    )


def attempts_words(policy: RepeatPolicy, usual: RepeatPolicy) -> str:
    """Describe how a policy differs from the usual one: `up to 5 attempts, 30 s limit`; empty if it does not differ."""
    parts = []
    if policy.most != usual.most:
        parts.append("one attempt" if policy.most == 1 else f"up to {policy.most:,} attempts")
    if policy.repeats and _waits(policy) != _waits(usual):
        first = in_words(policy.first_delay)
        parts.append(f"{first} apart" if policy.factor == 1 else f"again after {first}, then longer")
    if policy.time_limit != usual.time_limit:
        parts.append(limit_words(policy.time_limit))
    if policy.repeats and policy.repeats_time_limit != usual.repeats_time_limit:
        parts.append(f"{'also' if policy.repeats_time_limit else 'not'} again after its limit")
    return ", ".join(parts)


def limit_words(limit: timedelta | None) -> str:
    """Describe the time limit of an attempt or a run."""
    return "no time limit" if limit is None else f"{in_words(limit)} limit"


def attempts_json(rules: AttemptRules, step_id: StepId) -> Json:
    """Return all rules for the attempts of a step."""
    policy = rules.of(step_id)
    return {
        "max_attempts": policy.most,
        "backoff": {
            "first_wait_seconds": policy.first_delay.total_seconds(),
            "factor": policy.factor,
            "longest_wait_seconds": policy.longest_delay.total_seconds(),
            "jitter": policy.jitter,
            "after_time_limit": policy.repeats_time_limit,
        },
        "time_limit_seconds": seconds_of(policy.time_limit),
    }


def seconds_of(limit: timedelta | None) -> float | None:
    """Return a limit in seconds."""
    return None if limit is None else limit.total_seconds()


def _waits(policy: RepeatPolicy) -> tuple[timedelta, float, timedelta, float]:
    return policy.first_delay, policy.factor, policy.longest_delay, policy.jitter
