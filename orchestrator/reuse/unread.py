"""Supplies the parts of a fingerprint that only the database knows when the database cannot be read.

The recorded parts are used, so that changes in the project still show. They decide nothing: each decision that
depends on them is unconfirmed.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace

from orchestrator.nodes.identity import NodeId
from orchestrator.reuse.fingerprints.compare import DATABASE_SETTING
from orchestrator.reuse.fingerprints.result_identity import COLUMNS_OF, IDS_OF, with_built
from orchestrator.reuse.fingerprints.value import Fingerprint
from orchestrator.reuse.last_success import LastSuccess

_OF_A_SOURCE = ("parent:", IDS_OF)


def recorded_settings(known: Iterable[LastSuccess]) -> dict[str, str]:
    """Return the parts for the database's settings in the newest of these fingerprints."""
    newest = max(known, key=lambda one: (one.ended_at is not None, one.ended_at), default=None)
    parts = {} if newest is None else newest.fingerprint.parts
    return {name: digest for name, digest in parts.items() if name.startswith(DATABASE_SETTING)}


def is_of_the_database(part: str, sources: Collection[NodeId]) -> bool:
    """Return whether only the database knows a part; `sources` are the dbt sources whose rows could not be read."""
    if part.startswith((DATABASE_SETTING, COLUMNS_OF)):
        return True
    return part.startswith(_OF_A_SOURCE) and NodeId(part.partition(":")[2]) in sources


def as_recorded(made: Fingerprint, then: Fingerprint, columns_of: Collection[NodeId]) -> Fingerprint:
    """Return a fingerprint in which the recorded parts replace the rows and columns that could not be read.

    `columns_of` are the nodes and dbt sources whose columns are part of it. The settings are the same for all nodes and
    are already in the fingerprint (`Surroundings.recorded`).
    """
    names = [f"{COLUMNS_OF}{node}" for node in columns_of]
    names += [f"{kind}{source}" for source in made.unknown for kind in _OF_A_SOURCE]
    before = then.parts
    taken = {name: before[name] for name in names if name in before}
    # A source that the record does not know either stays unknown.
    unknown = frozenset(source for source in made.unknown if f"parent:{source}" not in taken)
    return replace(with_built(made, taken), unknown=unknown)
