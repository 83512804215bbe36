"""Reads from the files of expectation suites which relations they read."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from orchestrator.adapters.great_expectations.suites import read_suite
from orchestrator.errors import SuiteError
from orchestrator.nodes.dbt import Manifest
from orchestrator.nodes.identity import NodeId, Relation
from orchestrator.nodes.suite import BoundSuite
from orchestrator.reuse.fingerprints.suites import SuiteReading, read_suite_queries, relation_finder


def with_reads(project_root: Path, manifest: Manifest, suites: Sequence[BoundSuite]) -> tuple[BoundSuite, ...]:
    """Return the suites with the nodes that each reads beside the one that it validates."""
    found = ((bound, suite_reading(project_root, manifest, bound).nodes) for bound in suites)
    return tuple(replace(bound, reads=tuple(one for one in nodes if one != bound.node)) for bound, nodes in found)


def suite_reading(project_root: Path, manifest: Manifest, bound: BoundSuite) -> SuiteReading:
    """Return what a suite reads, and what of it is not understood."""
    try:
        file = read_suite(project_root, bound.suite.path)
    except SuiteError:
        return SuiteReading(not_understood=("a suite that cannot be read",))
    find = relation_finder(manifest, relation_of(manifest, bound.node))
    return read_suite_queries(file.expectations, file.suite_parameters, find, manifest.adapter_type)


def relation_of(manifest: Manifest, node: NodeId) -> Relation:
    """Return the relation of a node or a dbt source."""
    relation = manifest.sources[node].relation if node in manifest.sources else manifest.nodes[node].relation
    return Relation(database=None, schema="", identifier="") if relation is None else relation
