"""Finds the relations that expectation suites read, from the suites' files."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from orchestrator.adapters.great_expectations.suite_files import read_suite
from orchestrator.errors import SuiteError
from orchestrator.nodes.dbt_nodes import Manifest
from orchestrator.nodes.identity import NodeId
from orchestrator.nodes.suite import BoundSuite, SuiteReading
from orchestrator.reuse.fingerprints.suite_fingerprints import read_suite_queries, relation_finder, relation_of


def suite_readings(
    project_root: Path, manifest: Manifest, suites: Iterable[BoundSuite]
) -> Mapping[NodeId, SuiteReading]:
    """Return, by suite, what it reads, and which parts of it are not understood."""
    return {bound.suite.unique_id: _reading(project_root, manifest, bound) for bound in suites}


def with_reads(suites: Iterable[BoundSuite], readings: Mapping[NodeId, SuiteReading]) -> tuple[BoundSuite, ...]:
    """Return the suites with the nodes that each one reads besides the node that it validates."""
    found = ((bound, readings[bound.suite.unique_id].nodes) for bound in suites)
    return tuple(replace(bound, reads=tuple(one for one in nodes if one != bound.node)) for bound, nodes in found)


def _reading(project_root: Path, manifest: Manifest, bound: BoundSuite) -> SuiteReading:
    try:
        file = read_suite(project_root, bound.suite.path)
        digest = hashlib.sha256((project_root / bound.suite.path).read_bytes()).hexdigest()
    # Planning must not fail here: the validation step itself reports what is wrong with the file.
    except (SuiteError, OSError):
        return SuiteReading(not_understood=("a suite that cannot be read",))
    find = relation_finder(manifest, relation_of(manifest, bound.node))
    found = read_suite_queries(file.expectations, file.suite_parameters, find, manifest.adapter_type)
    return replace(found, digest=digest)
