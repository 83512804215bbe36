"""Creates a schema of elt's own for each verification, and drops it afterwards."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from orchestrator.adapters.record_sql import RecordDialect
from orchestrator.adapters.sql_words import literal, quoted
from orchestrator.errors import WarehouseError
from orchestrator.nodes.prefix import Placement
from orchestrator.plan.step import StepId
from orchestrator.reuse.fingerprints.digest import digest_of

VERIFY = "_elt_verify_"
"""The beginning of their names, before which a schema prefix is put."""
_DIGEST = re.compile("[0-9a-f]{8}")
_DECLARED = Placement()


class OwnSchemas:
    """The schemas for the verifications of one process; may be used from any thread."""

    def __init__(
        self,
        ask: Callable[[str], list[tuple[Any, ...]]],
        dialect: RecordDialect,
        database: str,
        placement: Placement = _DECLARED,
    ) -> None:
        """Create them in `database` with `ask`, which commits its changes and raises WarehouseError."""
        self._begin = placement.schema(VERIFY)
        self._ask = ask
        self._dialect = dialect
        self._database = database
        self._lock = threading.Lock()
        self._is_tidy = False

    @contextmanager
    def opened(self, step: StepId) -> Iterator[str]:
        """Yield an empty schema for a step; it is dropped afterwards with its contents. Raises WarehouseError."""
        schema = self._begin + digest_of(step)[:8]
        with self._lock:
            try:
                self._tidy()
                # An earlier verification of this step may have failed to drop it.
                self._drop(schema)
                self._ask(f"create schema {self._named(schema)}")
            except WarehouseError as error:
                raise WarehouseError(
                    f"The schema {schema} could not be created in {self._database}: {error.message.splitlines()[0]}\n"
                    "Grant the right to create schemas there, or omit --verify-reuse."
                ) from error
        try:
            yield schema
        finally:
            with suppress(WarehouseError):  # the next verification drops it
                self._drop(schema)

    def _tidy(self) -> None:
        """Drop the schemas that killed processes left; only once, before this process creates any."""
        if self._is_tidy:
            return
        self._is_tidy = True
        asked = f"select schema_name from information_schema.schemata where lower(catalog_name) = lower({literal(self._database)})"  # noqa: S608, E501  # a literal
        for (schema,) in self._ask(asked):
            if schema.startswith(self._begin) and _DIGEST.fullmatch(schema.removeprefix(self._begin)):
                with suppress(WarehouseError):  # owned by another user
                    self._drop(schema)

    def _drop(self, schema: str) -> None:
        self._ask(f"drop schema if exists {self._named(schema)} cascade")

    def _named(self, schema: str) -> str:
        return self._dialect.schema.format(database=quoted(self._database), schema=quoted(schema))
