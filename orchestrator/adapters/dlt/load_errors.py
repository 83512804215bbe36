"""Explains the error of a load in one or a few lines, without a traceback and without secrets."""

import re
import tempfile
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path

from dlt.common.configuration import is_secret_hint
from dlt.common.configuration.exceptions import ConfigFieldMissingException, FieldLookupTraces, LookupTrace
from dlt.common.configuration.utils import get_resolved_traces
from dlt.common.exceptions import MissingDependencyException
from dlt.extract.exceptions import PipeException, ResourceExtractionError
from dlt.load.exceptions import LoadClientJobException
from dlt.pipeline.exceptions import PipelineStepFailed

from orchestrator.adapters.dlt.damage import find_damage
from orchestrator.full_disk import REMEDY, full_disk_sentence, is_full_disk
from orchestrator.installing import install_hint, missing_module, module_hint
from orchestrator.wording import shortened

LONGEST = 400
_NO_INTERVAL = "ExternalSchedulerNotAvailable"
"""dlt's error for a cursor that needs a data interval, which older releases do not have."""
SHORTEST_SECRET = 4
STEP_WORDS = {"extract": "extracting", "normalize": "normalising", "load": "loading", "sync": "reading the state of"}


def explain(error: BaseException, name: str, module: str, root: Path) -> tuple[str, str]:
    """Return the message and the hint for any error of a load; the message has the line of the project's code."""
    message, hint = _explained(list(chain_of(error)), name, module)
    place = line_in_project(error, root)
    return f"{message}\n  at {place}" if place else message, hint


def line_in_project(error: BaseException, root: Path) -> str:
    """Return the innermost line of the project's own code that an error went through, as `file:line`; empty if none."""
    for link in reversed(list(chain_of(error))):
        for frame in reversed(traceback.extract_tb(link.__traceback__)):
            file = Path(frame.filename)
            # The environment may be inside the project.
            if file.is_relative_to(root) and "site-packages" not in file.parts:
                return f"{file.relative_to(root)}:{frame.lineno}"
    return ""


def _explained(chain: list[BaseException], name: str, module: str) -> tuple[str, str]:
    where = f"dlt source {name} ({module})"
    for link in chain:
        if isinstance(link, ConfigFieldMissingException):
            missing, hint = missing_configuration(link)
            return scrub(f"{where} lacks {missing}"), scrub(hint)
    step = next((link.step for link in chain if isinstance(link, PipelineStepFailed)), "")
    damage = find_damage(chain, in_warehouse=step in {"", "sync"}) if step != "extract" else None
    if damage is not None:
        return scrub(f"{where}: {damage.message}"), scrub(damage.hint)
    resource = next((link.pipe_name for link in chain if isinstance(link, PipeException)), None)
    cause = _cause(chain)
    table = next((link.job_id.split(".")[0] for link in chain if isinstance(link, LoadClientJobException)), None)
    resource = f"the table {table} of " if table else f"the resource {resource} of " if resource else ""
    doing = f"{STEP_WORDS.get(step, 'running')} {resource}{where}"
    return scrub(f"{doing}: {_words(cause)}"), scrub(_hint(chain, step))


def missing_configuration(error: ConfigFieldMissingException) -> tuple[str, str]:
    """Describe which keys are missing, and where dlt looked for them; never contains a value."""
    looked = list(_lookups(error.traces))
    fields = list(dict.fromkeys(field for field, _ in looked))
    ways = [_way(field, [trace for name, trace in looked if name == field]) for field in fields]
    hint = (
        f"Set {'; '.join(ways)}. dlt looks for this file in the folder of the module, in the project root "
        "and in the home directory."
    )
    return f"its configuration: {', '.join(fields)}", hint


def import_hint(chain: Iterable[BaseException]) -> str:
    """Return how to install what a failed import needs; empty if nothing is missing."""
    for link in chain:
        if isinstance(link, MissingDependencyException):
            return install_hint(*link.dependencies)
        if isinstance(link, ImportError) and (module := missing_module(str(link))):
            return module_hint(module, own_folders="the folder of the ingestion module or the project root")
    return ""


def scrub(text: str) -> str:
    """Return the text without the secrets that dlt resolved in this process, or passwords and queries in URLs."""
    text = re.sub(r"(\w+://)[^/\s@]+@", r"\1***@", text)
    text = re.sub(r"\?[\w.%~-]+=[^\s'\")]*", "?***", text)
    # Longest first: a secret may contain another, and its rest would remain.
    for secret in sorted(_secrets(), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def chain_of(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its causes down to the first, including errors that dlt wraps without `from`."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        inner = getattr(error, "exception", None) or getattr(error, "client_exception", None)
        if not isinstance(inner, BaseException):
            inner = getattr(error, "dbapi_exception", None) or error.__cause__
        error = inner if isinstance(inner, BaseException) else None


def _cause(chain: list[BaseException]) -> BaseException:
    """Return the user's own error: the first one inside dlt's wrappers."""
    for index, link in enumerate(chain[:-1]):
        if isinstance(link, ResourceExtractionError):
            return chain[index + 1]
    return chain[-1]


def _words(error: BaseException) -> str:
    words = " ".join(scrub(str(error)).split()) or "no message"  # scrubbed first: half of a secret is not found
    return f"{type(error).__name__}: {shortened(words, LONGEST)}"


def _hint(chain: list[BaseException], step: str) -> str:
    if missing := import_hint(chain):
        return missing
    if any(type(link).__name__ == _NO_INTERVAL for link in chain):
        return (
            "A cursor with allow_external_schedulers=True takes its range from a schedule: `elt schedule run NAME`. "
            "For a run by hand, set DLT_INTERVAL_START and DLT_INTERVAL_END, such as 2026-11-28T01:00:00Z."
        )
    text = " ".join(str(link) for link in chain[-2:])
    if any(map(is_full_disk, chain)):
        where = [Path.cwd(), Path(tempfile.gettempdir())]
        return f"{full_disk_sentence(text, where)} {REMEDY}, then run again; nothing is loaded twice."
    if step == "extract":
        return "The error is in the source system or the ingestion code. This load wrote nothing."
    if step == "normalize":
        return "This load wrote nothing. The next run extracts again."
    if step == "load":
        return "The extracted data is kept, and the next run loads it first. Nothing is loaded twice."
    return ""


def _lookups(traces: FieldLookupTraces) -> Iterator[tuple[str, LookupTrace]]:
    for field, tried in traces.items():
        for trace in tried:
            if isinstance(trace, LookupTrace):
                yield field, trace
            else:
                yield from _lookups(trace.traces)


def _way(field: str, traces: list[LookupTrace]) -> str:
    """Describe how to set one key, by the most specific of the names that dlt tried."""
    telling = next((t for t in traces if t.key.startswith("SOURCES__")), traces[0])
    table = ".".join(part for part in telling.sections if part)
    return f"{telling.key} in the environment, or {field} under [{table}] in .dlt/secrets.toml"


def _secrets() -> set[str]:
    found: set[str] = set()
    for trace in get_resolved_traces().resolved_traces:
        if is_secret_hint(trace.hint) or trace.provider_name == "secrets.toml":
            found.update(_leaves(trace.value))
    # A shorter value would also be replaced in ordinary words.
    return {value for value in found if len(value) >= SHORTEST_SECRET}


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _leaves(inner)
