"""Leaves the markers of nodes that are executed without dbt, and reads what their builds leave."""

from typing import TYPE_CHECKING

from orchestrator.adapters.contents import Built
from orchestrator.adapters.dbt.direct_session import DirectCursor, DirectSession
from orchestrator.adapters.record_sql import adds_marker
from orchestrator.execution.ports import Request
from orchestrator.nodes.identity import NodeId, Relation
from orchestrator.reuse.facts import TABLE, Content, content_text
from orchestrator.ways.generated_sql import GeneratedKind, Place

if TYPE_CHECKING:  # imported only when dbt is opened
    from orchestrator.adapters.dbt.marking import Places


class DirectMarkers:
    """The markers of one run."""

    def __init__(self, session: DirectSession) -> None:
        self._session = session

    def leaves_one(self, request: Request, place: Place) -> bool:
        """Return whether a build leaves a marker."""
        return self._places(request, place) is not None

    def _places(self, request: Request, place: Place) -> "Places | None":
        places = self._session.places
        return places if request.mark is not None and places is not None and places.is_made(place.database) else None

    def leave(self, cursor: DirectCursor, request: Request, kind: GeneratedKind, place: Place) -> Content | None:
        """Write the marker of a build in its open transaction, and return what the build leaves."""
        places = self._places(request, place)
        if places is None or request.mark is None:
            return None
        relation = Relation(database=place.database, schema=place.schema, identifier=place.identifier)
        built = Built(
            relation=relation, is_table=kind is GeneratedKind.TABLE, writes_file=False, most_rows=places.most_rows
        )
        content = self._session.content(cursor, built)
        text = None if content is None else content_text(content)
        home = places.home(place.database)
        cursor.execute(adds_marker(home, place.beside(""), request, request.mark, is_whole=True, content=text))
        return content

    def built(
        self, cursor: DirectCursor, node: NodeId, kind: GeneratedKind, place: Place, content: Content | None
    ) -> int | None:
        """Note the content of a build that was committed, and return the row count of a table, if it can be counted."""
        if content is not None and self._session.places is not None:
            self._session.places.note_content(node, content)
        if kind is not GeneratedKind.TABLE:
            return None
        if content is not None and content.count is not None and content.kind == TABLE:
            return content.count
        try:
            [(count,)] = cursor.execute(f"select count(*) from {place.beside('')}").fetchall()  # noqa: S608  # quoted
        except Exception:  # noqa: BLE001  # the build is committed: it must not be repeated
            return None
        return int(count)
