"""Makes the fingerprints of an open project's nodes, from the project and the world around it."""

import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Mapping

from orchestrator.adapters.dbt.surroundings import limiting_settings, shown_target, vars_by_package
from orchestrator.errors import ProjectError, StoreError
from orchestrator.execution.ports import RunStore
from orchestrator.execution.recorded import RecordedFingerprint
from orchestrator.nodes.dbt import DbtNode
from orchestrator.nodes.identity import NodeId
from orchestrator.plan.fingerprints.make import make_fingerprints
from orchestrator.plan.fingerprints.surroundings import EVERYTHING, Surroundings
from orchestrator.plan.fingerprints.value import Fingerprint
from orchestrator.plan.plan import Plan
from orchestrator.plan.step import BuildStep, StepId, TestStep
from orchestrator.wiring.masking import is_secret
from orchestrator.wiring.project import OpenProject
from orchestrator.wiring.versions import version_of

_ROUNDS = 20_000  # so that a short secret is not found by trying all of them


def surroundings_of(project: OpenProject, data_versions: Mapping[NodeId, str] | None = None) -> Surroundings:
    """Say what results follow from beside the manifest; `data_versions` are those of dbt sources, where known."""
    session = project.session
    adapter = project.target.adapter
    tools = ("dbt-core", "dbt-adapters", f"dbt-{adapter}", *(["duckdb"] if adapter == "duckdb" else []))
    return Surroundings(
        vars={
            package: hidden(project.graph.manifest.project_name, known)
            for package, known in vars_by_package(session).items()
        },
        environment=hashed_environment(project.graph.manifest.project_name, os.environ),
        versions={name: version for name in tools if (version := version_of(name))},
        target=shown_target(session),
        settings=limiting_settings(session),
        seed_content=content_digest,
        data_versions=data_versions or {},
    )


def with_ancestors(project: OpenProject, nodes: Iterable[NodeId]) -> list[NodeId]:
    """Give nodes and all above them, each after its parents."""
    depends = project.graph.depends
    named = frozenset(nodes)
    wanted = named | depends.ancestors(named)
    return [node for node in depends if node in wanted]


def fingerprints_to_record(project: OpenProject, plan: Plan, store: RunStore) -> dict[StepId, RecordedFingerprint]:
    """Make the fingerprints of a plan's dbt nodes; one that is as it stands keeps what it is to its children."""
    planned = [step.node for step in plan.steps if isinstance(step, BuildStep | TestStep)]
    if not planned:
        return {}
    order = with_ancestors(project, planned)
    stands = identities_in(project, store, order)
    known: dict[NodeId, str] = {}

    def identity(fingerprint: Fingerprint) -> str:
        digest, before = fingerprint.digest, stands.get(StepId(fingerprint.node))
        known[fingerprint.node] = before[1] if before is not None and before[0] == digest else digest
        return known[fingerprint.node]

    made = make_fingerprints(project.graph.manifest, surroundings_of(project), order, identity)
    return {
        StepId(node): RecordedFingerprint(fingerprint=made[node], identity=known[node])
        for node in planned
        if node in made
    }


def hashed_environment(salt: str, environ: Mapping[str, str]) -> Callable[[str], str]:
    """Give the digest of a variable by its name, made so that its value cannot be found again."""

    def digest(name: str) -> str:
        if name == EVERYTHING:
            return _hashed("\n".join(f"{one}={kept}" for one, kept in sorted(environ.items())), salt, name)
        return _hashed(environ[name], salt, name) if name in environ else "absent"

    return digest


def hidden(salt: str, known: Mapping[str, object]) -> dict[str, object]:
    """Put hashes in the place of vars whose names say that they are secret; a template names its secret itself."""
    return {
        name: _hashed(value, salt, name) if isinstance(value, str) and is_secret(name) and "{" not in value else value
        for name, value in known.items()
    }


def content_digest(node: DbtNode) -> str:
    """Hash the file of a seed that is too large for dbt to hash.

    Raises:
        ProjectError: it cannot be read.
    """
    try:
        with open(node.definition.file, "rb") as file:  # noqa: PTH123  # a path as dbt writes it
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError as error:
        raise ProjectError(
            f"The seed {node.definition.file} cannot be read: {error.strerror}.",
            hint="Give the user who runs this the right to read it, or take the seed out of the project.",
        ) from error


def _hashed(value: str, salt: str, name: str) -> str:
    salted = f"{salt} {name}".encode(errors="surrogateescape")
    return hashlib.pbkdf2_hmac("sha256", value.encode(errors="surrogateescape"), salted, _ROUNDS, 16).hex()


def identities_in(project: OpenProject, store: RunStore, nodes: Collection[NodeId]) -> Mapping[StepId, tuple[str, str]]:
    """Give of each of these nodes that is recorded to stand its digest, and what it is to its children."""
    try:
        return store.reader().identities(project.target.identity, [StepId(node) for node in nodes])
    except StoreError:  # there is none yet; whatever else it is, the run's own writer tells it next
        return {}
