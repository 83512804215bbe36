"""Defines every error that a user can cause; each has a message and a hint.

EltError
├── UsageError             the command line asks for something that cannot be done
├── OutputError            stdout cannot be written
├── ConfigurationError     elt.yml or the environment is wrong; lists every mistake
├── ProjectError           the dbt project, its profile or its packages cannot be used
│   ├── ParseError         dbt could not parse the project
│   └── ManifestError      manifest.json cannot be read
├── SelectionError         a selection cannot be understood
│   └── EmptySelectionError  a selection matched nothing
├── GraphCycleError        the graph has a cycle; the message prints its path
├── IngestionError         an ingestion module, its discovery or its credentials are wrong
├── SuiteError             an expectation suite is malformed or bound to no node
├── MissingExtraError      a plan needs an optional tool that is not installed
│   └── UnsupportedVersionError  a tool is installed in a version that this elt does not work with
├── WarehouseError         the database cannot be opened
    ├── WarehouseLockedError  another process holds the database file
├── BusyError              another run works in the same target
└── StoreError             the record of runs cannot be opened, read or written
    ├── NothingRecordedError  there is no record yet, or only that of an older elt
    ├── UnknownRunError      no recorded run has that id
    └── AmbiguousRunError    several recorded runs have ids that begin so

A step that fails is not an exception but an outcome (execution/outcome.py): exceptions are for what keeps a
run from starting, and for bugs.
"""


class EltError(Exception):
    """An error that the user can correct: a message, and a hint that says how."""

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class UsageError(EltError):
    """The command line asks for something that cannot be done."""


class OutputError(EltError):
    """Stdout cannot be written: the disk is full, or the stream is closed."""


class ConfigurationError(EltError):
    """The configuration is wrong; the message lists every mistake with its line."""


class ProjectError(EltError):
    """The dbt project, its profile or its packages cannot be used."""


class ParseError(ProjectError):
    """Dbt could not parse the project; the message is dbt's own, with file and line."""


class ManifestError(ProjectError):
    """A manifest.json is missing, truncated or of an unknown version."""


class SelectionError(EltError):
    """A selection cannot be understood."""


class EmptySelectionError(SelectionError):
    """A selection matched nothing; the hint lists similar names."""


class GraphCycleError(EltError):
    """The nodes depend on each other in a cycle."""


class IngestionError(EltError):
    """An ingestion module, its discovery or its credentials are wrong."""


class SuiteError(EltError):
    """An expectation suite is malformed or bound to no node."""


class MissingExtraError(EltError):
    """A plan needs an optional tool; the hint names the extra that installs it."""


class UnsupportedVersionError(MissingExtraError):
    """A tool is installed in an unsupported version; the hint names the versions that work."""


class WarehouseError(EltError):
    """The database cannot be opened."""


class WarehouseLockedError(WarehouseError):
    """Another process holds the database file; the error has its pid and command line."""

    def __init__(self, message: str, *, hint: str, pid: int, command: str) -> None:
        super().__init__(message, hint=hint)
        self.pid = pid
        self.command = command


class BusyError(EltError):
    """Another run works in the same target, and this one was not to wait."""


class StoreError(EltError):
    """The record of runs cannot be opened, read or written."""


class NothingRecordedError(StoreError):
    """There is no record of runs yet, or only that of an older elt; the next run creates it."""


class UnknownRunError(StoreError):
    """No recorded run has that id."""


class AmbiguousRunError(StoreError):
    """Several recorded runs have ids with this beginning."""
