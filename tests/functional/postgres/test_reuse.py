"""Only what is needed, on PostgreSQL: the record, the marks in the database and the versions of loaded tables."""

import pytest

from orchestrator.execution.outcome import ReasonCode
from orchestrator.plan.status import Status
from orchestrator.plan.step import BuildStep

pytestmark = pytest.mark.functional


def built(ran):
    """Name what was built."""
    steps = [ran.plan.by_id[one.step_id] for one in ran.outcomes if one.status is Status.SUCCESS]
    return {step.name for step in steps if isinstance(step, BuildStep)}


def test_a_second_run_reuses_all_but_what_dbt_would_drop(shop):
    """dbt drops the views on a table that it rebuilds: they are rebuilt with it, though their definition is the same.

    Rows that were changed by hand are seen. What is reused is verified: where a declaration was wrong, it is an error.
    """
    shop.rows("create table if not exists public.outside as select 1 as tax")
    shop.write(
        "models/marts/taxes.sql",
        "{{ config(meta={'elt': {'deterministic': true}}) }} select tax from public.outside",
    )
    shop.write("models/marts/fct_rates.sql", "select currency, rate, now() as seen_at from {{ ref('stg_rates') }}")
    shop.write("models/staging/rates_seen.sql", "select currency, seen_at from {{ ref('fct_rates') }}")
    shop.write(
        "models/marts/mean_rate.sql",
        "select avg(rate::float8 / 3) as mean, 'NaN'::real as x from {{ ref('stg_rates') }}",
    )
    unjudged = {"exclude": ("expectation:*",), "freshness": False}
    shop.run(ingest=False, **unjudged)
    shop.rows("update analytics.dim_customers set spent = spent + 1; update public.outside set tax = 2")
    again = shop.run(skip_unchanged=True, verify_reuse=1.0, **unjudged)
    assert built(again) == {"fct_rates", "rates_seen", "dim_customers"}
    found = {again.plan.by_id[one.step_id].name: one for one in again.outcomes}
    codes = [found[name].reason.code for name in ("countries", "mean_rate", "taxes")]
    assert codes == [ReasonCode.VERIFIED, ReasonCode.VERIFIED, ReasonCode.DIFFERS]
    assert "other values in the columns tax." in found["taxes"].message
    assert shop.rows("select 1 from pg_namespace where nspname like '\\_elt\\_verify%'") == []
    seen, made = (
        next(step.writes[0] for step in again.plan.steps if step.name == name) for name in ("rates_seen", "fct_rates")
    )
    assert shop.rows(f"select max(seen_at) from {seen}") == shop.rows(f"select max(seen_at) from {made}")
