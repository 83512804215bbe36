"""Schemas of elt's own beside those of a project: made for one verification, and dropped when it is over."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from orchestrator.adapters.record_sql import Dialect
from orchestrator.adapters.sql_words import literal, quoted
from orchestrator.errors import WarehouseError
from orchestrator.plan.step import StepId
from orchestrator.reuse.fingerprints.digest import digest_of

_BEGIN = "_elt_verify_"
_OURS = re.compile(_BEGIN + "[0-9a-f]{8}")


class OwnSchemas:
    """The schemas of the verifications of one process; safe from any thread."""

    def __init__(self, ask: Callable[[str], list[tuple[Any, ...]]], dialect: Dialect, database: str) -> None:
        """Make them in a database with `ask`, which commits what it changes and raises WarehouseError."""
        self._ask = ask
        self._dialect = dialect
        self._database = database
        self._lock = threading.Lock()
        self._is_tidy = False

    @contextmanager
    def opened(self, step: StepId) -> Iterator[str]:
        """Give an empty schema for a step; it is dropped with all that it holds. Raises WarehouseError."""
        schema = _BEGIN + digest_of(step)[:8]
        with self._lock:
            try:
                self._tidy()
                self._drop(schema)
                self._ask(f"create schema {self._named(schema)}")
            except WarehouseError as error:
                raise WarehouseError(
                    f"Its schema {schema} could not be made in {self._database}: {error.message.splitlines()[0]}\n"
                    "Give the user who runs this the right to make schemas there, or leave --verify-reuse away."
                ) from error
        try:
            yield schema
        finally:
            with suppress(WarehouseError):  # the next verification drops it
                self._drop(schema)

    def _tidy(self) -> None:
        """Drop what a process that was killed left behind; once, before there is anything of this one."""
        if self._is_tidy:
            return
        self._is_tidy = True
        asked = f"select schema_name from information_schema.schemata where lower(catalog_name) = lower({literal(self._database)})"  # noqa: S608, E501  # a literal
        for (schema,) in self._ask(asked):
            if _OURS.fullmatch(schema):
                with suppress(WarehouseError):  # somebody else's
                    self._drop(schema)

    def _drop(self, schema: str) -> None:
        self._ask(f"drop schema if exists {self._named(schema)} cascade")

    def _named(self, schema: str) -> str:
        return self._dialect.schema.format(database=quoted(self._database), schema=quoted(schema))
