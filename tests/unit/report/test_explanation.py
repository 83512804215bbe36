"""What `elt explain` says of a node whose table was found to be another thing than it builds to."""

from io import StringIO

from rich.console import Console

from orchestrator.plan.status import Status
from orchestrator.report.explanation import explanation_to_json, print_explanation
from orchestrator.reuse.explained import Explained
from orchestrator.reuse.fingerprints.value import Fingerprint
from orchestrator.reuse.last_success import LastSuccess
from tests.fakes.clock import NOON
from tests.unit.reuse.fingerprints.making import model


def test_a_table_found_to_be_wrong_is_reported_as_run():
    """Though its fingerprint is what it was; a program reads the verdict `doubted`."""
    node = model("model.fleet")
    made = Fingerprint(node=node.unique_id, built={"seed": "1"})
    recovered = LastSuccess(run_id="r1", ended_at=NOON, status=Status.ERROR, fingerprint=made, identity="i")
    found = Explained(
        node=node, target="dev", now=made, last_success=recovered, comparison=None, changes=(), above=(), parts=()
    )
    assert explanation_to_json(found)["verdict"] == "doubted"
    written = StringIO()
    print_explanation(Console(file=written, width=120), found)
    assert "in run r1; found to be wrong since" in written.getvalue()
    assert (
        "A verification found that the existing table differs from what the node builds. It runs" in written.getvalue()
    )
