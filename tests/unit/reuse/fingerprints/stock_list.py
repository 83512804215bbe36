"""Write the list of dbt's own macros that materializations reach: `python -m tests.unit.reuse.fingerprints.stock_list`.

Rows of other versions stay. A materialization that is not in `REASONS` is not listed: read it first.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from dbt_common.clients.jinja import extract_toplevel_blocks

from orchestrator.reuse.fingerprints import stock_macros
from orchestrator.reuse.fingerprints.reading import read_template
from orchestrator.reuse.fingerprints.stock_macros import UNITS, calls_of_stock, stock_digest

LIST = Path(stock_macros.__file__).with_name("stock_macros.tsv")
HEADER = "# package\tmacro\tdigest of its text\tversions\twhy what it leaves follows from the fingerprint\n"
_FOLDERS = {
    "dbt": ("global_project", "dbt-adapters"),
    "dbt_duckdb": ("duckdb", "dbt-duckdb"),
    "dbt_postgres": ("postgres", "dbt-postgres"),
}
_SWAP = "builds the compiled SQL under another name and renames it; the former relation is only dropped"
REASONS = {
    "materialization_view_default": f"{_SWAP}. Grants, docs and hooks come from the configuration.",
    "materialization_table_default": f"{_SWAP}. Indexes, grants, docs and hooks come from the configuration.",
    "materialization_table_duckdb": (
        f"{_SWAP}. Constraints come from the contract; tables with foreign keys to it get the same rows back, and dbt "
        "refuses unless the same run rebuilds them."
    ),
    "materialization_incremental_default": (
        "adds the compiled SQL's rows to the former table, or replaces it on a full refresh. Strategy, keys, "
        "predicates and the handling of new columns come from the configuration, the former table is a part of its own."
    ),
    "materialization_incremental_duckdb": (
        "as the default one; temporary relations of DuckLake and MotherDuck are dropped. A microbatch follows from the "
        "batch, and so from the clock."
    ),
    "materialization_seed_default": (
        "loads the file's bytes with the types, delimiter and quoting of the configuration; a full refresh only "
        "decides whether the table is emptied or made again."
    ),
    "materialization_snapshot_default": (
        "adds a version of each row that differs from the former table; the clock dates such rows and decides nothing. "
        "Strategy, keys and columns come from the configuration."
    ),
    "materialization_test_default": (
        "counts what the compiled SQL returns; limit, thresholds and stored failures come from the configuration and "
        "the flag STORE_FAILURES."
    ),
    "materialization_unit_default": (
        "compares the compiled SQL over the given rows with the expected rows, both of the unit test's own entry."
    ),
    "materialization_external_duckdb": (
        "writes the compiled SQL to a file and a view over it; location, format and options come from the "
        "configuration and the profile's external_root. A location with Jinja is read with the hooks."
    ),
    "materialization_table_function_duckdb": "makes a table macro of the compiled SQL and the configured parameters.",
    "materialization_function_default": (
        "makes a function of the compiled code and of arguments, types and volatility in the node's entry."
    ),
    "materialization_materialized_view_default": (
        "makes, changes or refreshes the materialized view of the compiled SQL; what it does with a former one follows "
        "from the configuration, and a refresh reads the parents."
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StockMacro:
    """A macro of an installed package."""

    package: str
    name: str
    code: str
    version: str


def installed() -> list[StockMacro]:
    """Return every macro of dbt and the installed adapters, as dbt finds them."""
    return [
        StockMacro(package=package, name=name, code=code, version=f"{distribution} {version(distribution)}")
        for package, (folder, distribution) in _FOLDERS.items()
        for name, code in _in_folder(folder)
    ]


def _in_folder(folder: str) -> Iterator[tuple[str, str]]:
    spec = find_spec(f"dbt.include.{folder}")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    root = Path(spec.submodule_search_locations[0])
    for file in sorted([*(root / "macros").rglob("*.sql"), *(root / "tests").rglob("*.sql")]):
        blocks = {"macro", "materialization", "test"}
        for block in extract_toplevel_blocks(file.read_text(), allowed_blocks=blocks, collect_raw_data=False):
            yield _name(block.block_type_name, block.block_name, block.full_block), block.full_block


def _name(kind: str, name: str, code: str) -> str:
    if kind == "materialization":
        head = code[: code.index("%}")].replace('"', "'").replace(" ", "")
        adapter = head.split("adapter='")[1].split("'")[0] if "adapter='" in head else "default"
        return f"materialization_{name}_{adapter}"
    return f"test_{name}" if kind == "test" else name


def reached_by(root: StockMacro, macros: list[StockMacro]) -> list[StockMacro]:
    """Return the macros that one reaches by the names in their texts, itself first."""
    by_name = defaultdict(list)
    for macro in macros:
        by_name[macro.name].append(macro)
        _, parted, dispatched = macro.name.partition("__")
        if parted:
            by_name[dispatched].append(macro)
    found = {(root.package, root.name): root}
    waiting = [root]
    for macro in waiting:
        reading = calls_of_stock(read_template(macro.code), by_name)
        names = reading.names | (reading.strings if "dispatch" in reading.names else frozenset())
        for called in (one for name in sorted(names & by_name.keys()) for one in by_name[name]):
            if (called.package, called.name) not in found:
                found[called.package, called.name] = called
                waiting.append(called)
    return list(found.values())


def rows() -> dict[tuple[str, str, str], tuple[str, str]]:
    """Return version and reason of each macro that a materialization reaches, by package, name and digest."""
    macros = installed()
    through: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    versions = {}
    for macro in macros:
        if macro.name.partition("__")[2] in UNITS or macro.name in UNITS:
            key = (macro.package, macro.name, stock_digest(macro.code))
            through[key].append("the code of nodes, as a whole")
            versions[key] = macro.version
    for root in (macro for macro in macros if macro.name in REASONS):
        for macro in reached_by(root, macros):
            key = (macro.package, macro.name, stock_digest(macro.code))
            through[key].append(root.name.removeprefix("materialization_"))
            versions[key] = macro.version
    return {
        key: (versions[key], REASONS.get(key[1]) or f"reached by {', '.join(roots[:3])}{' …' if roots[3:] else ''}")
        for key, roots in sorted(through.items())
    }


def listed() -> dict[tuple[str, str, str], tuple[str, str]]:
    """Return the rows of the list as it is."""
    lines = [line.split("\t") for line in LIST.read_text().splitlines() if line and not line.startswith("#")]
    return {(package, name, digest): (versions, reason) for package, name, digest, versions, reason in lines}


def write() -> None:
    """Add the installed versions to the list."""
    former = listed()
    for key, (its_version, reason) in rows().items():
        versions = {*former.get(key, ("", ""))[0].split(", "), its_version} - {""}
        former[key] = (", ".join(sorted(versions)), reason)
    LIST.write_text(HEADER + "".join("\t".join((*key, *row)) + "\n" for key, row in sorted(former.items())))


if __name__ == "__main__":
    write()
