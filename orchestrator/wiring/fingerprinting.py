"""Makes the fingerprints of an open project's nodes, from the project and the world around it."""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping

from orchestrator.adapters.dbt.surroundings import limiting_settings, shown_target, vars_by_package
from orchestrator.errors import ProjectError
from orchestrator.nodes.dbt import DbtNode
from orchestrator.nodes.identity import NodeId
from orchestrator.reuse.fingerprints.surroundings import EVERYTHING, Surroundings
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
        data_versions={} if data_versions is None else data_versions,
    )


def with_needs(project: OpenProject, nodes: Iterable[NodeId]) -> list[NodeId]:
    """Give nodes and all above them, also what writes the tables of dbt sources, each after its parents."""
    needs = project.graph.needs
    named = frozenset(node for node in nodes if node in needs.position)
    wanted = named | needs.ancestors(named)
    return [node for node in needs if node in wanted]


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
