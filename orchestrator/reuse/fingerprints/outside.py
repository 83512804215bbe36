"""Collects what the results of an open project's nodes depend on outside its manifest."""

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from orchestrator.config.installed import version_of
from orchestrator.errors import ProjectError
from orchestrator.masking import is_secret_name
from orchestrator.nodes.dbt_nodes import DbtNode, Manifest
from orchestrator.reuse.fingerprints.digest import digest_of
from orchestrator.reuse.fingerprints.surroundings import EVERYTHING, DbtSurroundings, Surroundings

_ROUNDS = 20_000  # slow enough that a short secret cannot be found by trying all values
_COMPUTES = ("pandas", "numpy", "pyarrow", "polars")
_OF_LIBPQ = ("PGOPTIONS", "PGTZ", "PGDATESTYLE", "PGCLIENTENCODING", "PGGEQO", "PGSERVICE", "PGSERVICEFILE")
"""Variables that change what a PostgreSQL session returns."""
_LOCAL_TIME = Path("/etc/localtime")


def surroundings_of(
    around: DbtSurroundings, manifest: Manifest, adapter: str, database_facts: Mapping[str, object]
) -> Surroundings:
    """Return what results depend on outside the manifest, with hashes in place of what may be secret.

    `database_facts` are the database settings that change results, and the identity of attached databases.
    """
    salt = manifest.project_name
    # A hash without salt would be equal in every project with the same secret.
    profile = profile_digests(salt, around.connection, os.environ, adapter)
    code = around.plugin_code
    return Surroundings(
        vars={package: hidden(salt, known) for package, known in around.vars.items()},
        environment=hashed_environment(salt, os.environ),
        versions=versions_of(adapter),
        python_versions=python_versions(),
        target=around.target,
        flags=around.flags,
        changing_flags=around.changing_flags,
        started_at=around.started_at,
        limits=around.limits,
        settings={**around.settings, **database_facts},
        profile={**profile, **({} if code is None else {"plugin-code": code})},
        not_understood=tuple(f"the plugin {name}, whose code is not found" for name in around.plugins_not_found),
        seed_content=remembered(content_digest),
    )


def versions_of(adapter: str) -> dict[str, str]:
    """Return the versions of the tools that compile and execute SQL, and of the library that reads seeds."""
    tools = ["dbt-core", "dbt-adapters", "dbt-common", f"dbt-{adapter}", "agate"]
    return _installed([*tools, *(["duckdb"] if adapter == "duckdb" else [])])


def python_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that Python models compute with."""
    return {"python": f"{sys.version_info.major}.{sys.version_info.minor}", **_installed(_COMPUTES)}


def profile_digests(
    salt: str, settings: Mapping[str, object], environ: Mapping[str, str], adapter: str
) -> dict[str, str]:
    """Return digests of a target's settings, the time zone, and the variables that the database's client reads."""
    found = {name: _setting_digest(value, salt, name) for name, value in settings.items()}
    found["time-zone"] = digest_of(time_zone(environ))
    if adapter == "postgres":
        read = {name: environ[name] for name in _OF_LIBPQ if name in environ}
        found |= {"environment": _hashed(json.dumps(read, sort_keys=True), salt, "libpq")} if read else {}
    return found


def time_zone(environ: Mapping[str, str], local_time: Path = _LOCAL_TIME) -> str:
    """Return the name of the process's time zone; not its offset, which changes twice a year."""
    zone = environ.get("TZ")  # DuckDB takes its time zone from the process
    if zone:
        return zone.removeprefix(":")
    try:
        place = local_time.resolve(strict=True)  # usually a link into /usr/share/zoneinfo, whose path is the name
        _, parted, name = place.as_posix().partition("/zoneinfo/")
        return name if parted else hashlib.sha256(place.read_bytes()).hexdigest()  # a copy has no name, only its rules
    except OSError:
        return " ".join(time.tzname)


def remembered(digest: Callable[[DbtNode], str]) -> Callable[[DbtNode], str]:
    """Return a function that reads each seed's file once; a run has one such function."""
    known: dict[str, str] = {}

    def of(node: DbtNode) -> str:
        file = node.definition.file
        if file not in known:
            known[file] = digest(node)
        return known[file]

    return of


def hashed_environment(salt: str, environ: Mapping[str, str]) -> Callable[[str], str]:
    """Return a function that hashes a variable by its name; the value cannot be recovered from the hash."""

    def digest(name: str) -> str:
        if name == EVERYTHING:
            return _hashed("\n".join(f"{one}={kept}" for one, kept in sorted(environ.items())), salt, name)
        return _hashed(environ[name], salt, name) if name in environ else "absent"

    return digest


def hidden(salt: str, known: Mapping[str, object]) -> dict[str, object]:
    """Return vars with hashes in place of values whose names suggest a secret; templates are kept as they are."""
    return {
        name: _hashed(value, salt, name)
        # A template has to be read for what it needs, and its text is in the project anyway.
        if isinstance(value, str) and is_secret_name(name) and "{" not in value
        else value
        for name, value in known.items()
    }


def content_digest(node: DbtNode) -> str:
    """Return a hash of the bytes of a seed's file; dbt's own checksum ignores surrounding whitespace.

    Raises:
        ProjectError: The file cannot be read.
    """
    try:
        with open(node.definition.file, "rb") as file:  # noqa: PTH123  # a path as dbt writes it
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError as error:
        raise ProjectError(
            f"The seed {node.definition.file} cannot be read: {error.strerror}.",
            hint="Make the file readable for the user who runs elt, or remove the seed from the project.",
        ) from error


def _installed(names: Iterable[str]) -> dict[str, str]:
    return {name: version for name in names if (version := version_of(name))}


def _setting_digest(value: object, salt: str, name: str) -> str:
    """Return the hash of a setting; if it may hold a secret, the hash is salted and slow."""
    # A nested value may have a secret anywhere in it, under any name.
    is_plain = isinstance(value, str | bool | int | float) or (
        isinstance(value, list) and all(isinstance(one, str) for one in value)
    )
    if is_plain and not is_secret_name(name):
        return digest_of([value])
    return _hashed(json.dumps(value, sort_keys=True, default=str), salt, name)


def _hashed(value: str, salt: str, name: str) -> str:
    salted = f"{salt} {name}".encode(errors="surrogateescape")
    return hashlib.pbkdf2_hmac("sha256", value.encode(errors="surrogateescape"), salted, _ROUNDS, 16).hex()
