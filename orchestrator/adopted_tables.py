"""Implements `elt adopt` as functions: adopts tables that plain dbt built."""

import json
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from orchestrator.adoption.candidates import Gathered
from orchestrator.adoption.dbt_run import FileTimes
from orchestrator.execution.events import Noticed
from orchestrator.execution.inbox import Inbox
from orchestrator.execution.knowledge import Knowledge
from orchestrator.execution.leases import leased_plan
from orchestrator.nodes.run_results import read_artifacts
from orchestrator.plan.command import Command
from orchestrator.plan.make_request import requested
from orchestrator.plan.plan import Plan
from orchestrator.plan.request import Upstream
from orchestrator.report.adoption_text import adoption_to_json, print_adoption
from orchestrator.report.streams import open_console
from orchestrator.wiring.adopting import Adoption, adopt_nodes, file_times, refuse_what_cannot_be
from orchestrator.wiring.adopting_copies import Copies
from orchestrator.wiring.planning import opened, selected, steps_for
from orchestrator.wiring.project_store import open_store
from orchestrator.wiring.recording import new_run_id
from orchestrator.wiring.reports import tell_on_stderr


def adopt(
    command: Command,
    state: Path,
    *,
    verify: bool = False,
    dry_run: bool = False,
    hear: Callable[[Noticed], None] = lambda _notice: None,
) -> Adoption:
    """Adopt what plain dbt built, as far as the artifacts in `state` and the target prove its origin.

    With `verify`, tables may be rebuilt as copies to compare them. A dry run writes nothing, and builds no copies.
    """
    artifacts = read_artifacts(state)  # before dbt parses, which overwrites the manifest in target/
    # Only what is named, and nothing is loaded. `verify_reuse` makes the lease cover the schemas for copies.
    asked = replace(command, upstream=Upstream.NONE, ingest=False, freshness=False, verify_reuse=1.0)
    inbox = Inbox()
    with opened(asked, inbox, ("build",), hear=hear) as project:
        refuse_what_cannot_be(project, artifacts)
        run_id, request = new_run_id(), requested(asked, selected(asked, project))
        times: FileTimes | None = None

        def look() -> Plan:
            nonlocal times
            # Under the lease. This also opens the database, so from now on no other process writes to the file.
            times = file_times(project)
            return steps_for(project, request)

        with (
            closing(open_store(project.settings)) as store,
            leased_plan(store, project, asked, run_id, look, project.hear) as steps,
        ):
            known = Knowledge(project=project, store=store)
            gathered = Gathered(
                project=project,
                compares=lambda nodes: Copies(project=project, nodes=nodes),
                known=known,
                artifacts=artifacts,
                plan=steps,
                run_id=run_id,
                times=times,
                verify=verify,
            )
            return adopt_nodes(project, gathered, command, dry_run=dry_run, drain=inbox.notices)


def show_adoption(command: Command, state: Path, *, verify: bool, dry_run: bool, as_json: bool) -> int:
    """Adopt what plain dbt built, print what was not adopted and why, and return the exit code."""
    found = adopt(command, state, verify=verify, dry_run=dry_run, hear=tell_on_stderr)
    rulings = [(ruled.step, ruled.ruling) for ruled in found.nodes]
    heads = (found.invocation_id, found.run_id)
    if as_json:
        sys.stdout.write(json.dumps(adoption_to_json(rulings, *heads, dry_run=found.dry_run), indent=2) + "\n")
    else:
        print_adoption(open_console(), rulings, *heads, dry_run=found.dry_run)
    return int(found.exit_code)
