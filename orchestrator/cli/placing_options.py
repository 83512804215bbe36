"""Defines the options that say where a run writes, and whether it loads there."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import click


class _Prefix(click.ParamType[str]):
    """A schema prefix. An empty one is refused: a script whose variable is not set must not write to production."""

    name = "prefix"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the prefix."""
        if not value:
            self.fail("it is empty. Leave the option out to write to the schemas of the project.", param, ctx)
        return str(value)


schema_prefix = click.option(
    "--schema-prefix",
    type=_Prefix(),
    metavar="PREFIX",
    help="Write only to schemas with this prefix, such as pr_7_; dbt sources are read where they are.",
)
prefixed_loads = click.option(
    "--ingest",
    is_flag=True,
    help="With --schema-prefix: load too, into datasets with the prefix, and read the sources from there.",
)


def placing(options: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a request that say where it works, and whether it loads."""
    prefix = options.get("schema_prefix") or ""
    loads = not prefix or bool(options.get("ingest"))
    return {"schema_prefix": prefix, "ingest": loads and not options.get("no_ingest")}


def placing_words(words: Sequence[str]) -> Iterator[str]:
    """Yield those words of a command line that say where it works; without them a command writes to production."""
    for word, following in pairwise([*words, ""]):
        name, _, value = word.partition("=")
        if name == "--schema-prefix":
            yield from (name, value or following)
        elif word == "--ingest":
            yield word
