"""What a command line names, and whether two answers agree."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.agreement.selection_corpus import Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The nodes that a command line names, in the order in which they were given; or what was said instead."""

    nodes: tuple[str, ...] = ()
    refused: bool = False
    exit_code: int = 0
    said: str = ""
    passed_over: frozenset[str] = frozenset()
    """Selected unit tests that `dbt build` does not run because their model is not selected."""


def agree(expression: Expression, theirs: Answer, ours: Answer) -> None:
    """Fail with the expression and every difference between dbt's answer and elt's."""
    if found := tuple(differences(theirs, ours)):
        pytest.fail("\n  ".join([f"{expression.project}: {expression}  ({expression.why})", *found]), pytrace=False)


def differences(theirs: Answer, ours: Answer) -> Iterator[str]:
    """Say, one by one, where two answers differ."""
    if (theirs.refused, theirs.exit_code) != (ours.refused, ours.exit_code):
        yield f"dbt ends with {theirs.exit_code} and {len(theirs.nodes)} nodes: {theirs.said}"
        yield f"elt ends with {ours.exit_code} and {len(ours.nodes)} nodes: {ours.said}"
        return
    for node in sorted(set(theirs.nodes) - set(ours.nodes)):
        yield f"only dbt selects {node}"
    for node in sorted(set(ours.nodes) - set(theirs.nodes) - theirs.passed_over):
        yield f"only elt selects {node}"
    for node in sorted(theirs.passed_over - set(ours.nodes)):
        yield f"elt too passes over the selected unit test {node}"
    both = set(theirs.nodes) & set(ours.nodes)
    if [node for node in theirs.nodes if node in both] != [node for node in ours.nodes if node in both]:
        yield "the order differs"
