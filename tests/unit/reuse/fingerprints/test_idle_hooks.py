"""Which hooks at the start of a run change no rows, so that they need not run if everything else is reused."""

import pytest

from orchestrator.reuse.fingerprints.hooks import may_change_rows

IDLE = (
    "create schema if not exists {{ target.schema }}_raw; set threads = 2",
    "create or replace macro cents(x) as x / 100",
    "grant usage on schema {{ var('shared') }} to {{ env_var('READER') }}",
    "{% if target.name == 'prod' %} comment on schema main is 'production' {% endif %}",
)
NOT_IDLE = (
    "insert into log values (1)",
    "{{ log_start() }}",
    "{% do run_query('insert into log values (1)') %}",
    "{% set found = run_query('select 1') %} set threads = 2",
    "grant usage on schema main to {{ reader() }}",
    "{% call statement('x') %} create schema s {% endcall %}",
    "{{ this is not a template",
)


@pytest.mark.parametrize("hook", IDLE)
def test_a_hook_that_only_creates_schemas_or_functions_or_changes_settings_changes_no_rows(hook):
    assert not may_change_rows([hook])


@pytest.mark.parametrize("hook", NOT_IDLE)
def test_a_hook_that_writes_or_calls_a_macro_may_change_rows(hook):
    """A macro may run a query while it is rendered, whatever it returns."""
    assert may_change_rows(["set threads = 2", hook])
