"""Finds what an expectation suite reads besides the relation it validates, and makes its fingerprint."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from string import Formatter

from orchestrator.graph.build import Graph
from orchestrator.nodes.dbt_nodes import Manifest
from orchestrator.nodes.identity import NodeId, Relation, ResourceType, short_name
from orchestrator.nodes.suite import BoundSuite, SuiteReading
from orchestrator.reuse.fingerprints.digest import digest_of
from orchestrator.reuse.fingerprints.surroundings import Surroundings
from orchestrator.reuse.fingerprints.value import Finding, Fingerprint, SourceVersion

Find = Callable[[tuple[str, ...]], NodeId | None]
"""Returns the node that writes the relation `(database, schema, name)`, `(schema, name)` or `(name,)`."""

ITS_TABLE = frozenset(
    {
        *("expect_column_distinct_values_to_be_in_set", "expect_column_distinct_values_to_contain_set"),
        *("expect_column_distinct_values_to_equal_set", "expect_column_kl_divergence_to_be_less_than"),
        *("expect_column_max_to_be_between", "expect_column_mean_to_be_between", "expect_column_median_to_be_between"),
        *("expect_column_min_to_be_between", "expect_column_most_common_value_to_be_in_set"),
        *("expect_column_pair_values_a_to_be_greater_than_b", "expect_column_pair_values_to_be_equal"),
        *("expect_column_pair_values_to_be_in_set", "expect_column_proportion_of_non_null_values_to_be_between"),
        *("expect_column_proportion_of_unique_values_to_be_between", "expect_column_quantile_values_to_be_between"),
        *("expect_column_stdev_to_be_between", "expect_column_sum_to_be_between", "expect_column_to_exist"),
        *("expect_column_type_to_be", "expect_column_unique_value_count_to_be_between"),
        *("expect_column_value_lengths_to_be_between", "expect_column_value_lengths_to_equal"),
        *("expect_column_value_z_scores_to_be_less_than", "expect_column_values_to_be_between"),
        *("expect_column_values_to_be_in_set", "expect_column_values_to_be_in_type_list"),
        *("expect_column_values_to_be_null", "expect_column_values_to_be_of_type", "expect_column_values_to_be_unique"),
        *("expect_column_values_to_match_like_pattern", "expect_column_values_to_match_like_pattern_list"),
        *("expect_column_values_to_match_regex", "expect_column_values_to_match_regex_list"),
        *("expect_column_values_to_not_be_in_set", "expect_column_values_to_not_be_null"),
        *("expect_column_values_to_not_be_outliers", "expect_column_values_to_not_match_like_pattern"),
        *("expect_column_values_to_not_match_like_pattern_list", "expect_column_values_to_not_match_regex"),
        *("expect_column_values_to_not_match_regex_list", "expect_compound_columns_to_be_unique"),
        *("expect_multicolumn_sum_to_equal", "expect_multicolumn_values_to_be_equal"),
        *("expect_multicolumn_values_to_be_unique", "expect_select_column_values_to_be_unique_within_record"),
        *("expect_table_column_count_to_be_between", "expect_table_column_count_to_equal"),
        *("expect_table_columns_to_match_ordered_list", "expect_table_columns_to_match_set"),
        *("expect_table_row_count_to_be_between", "expect_table_row_count_to_equal"),
        # These are errors in every database, so their results are never reused.
        *("expect_column_values_to_be_dateutil_parseable", "expect_column_values_to_be_decreasing"),
        *("expect_column_values_to_be_increasing", "expect_column_values_to_be_json_parseable"),
        *("expect_column_values_to_match_json_schema", "expect_column_values_to_match_strftime_format"),
    }
)
"""The expectations of great-expectations 1.24 that read only the relation they validate."""
OTHER_TABLE = "expect_table_row_count_to_equal_other_table"
QUERY = "unexpected_rows_expectation"
COMPARISON = "expect_query_results_to_match_comparison"
UNDERSTOOD = ITS_TABLE | {OTHER_TABLE, QUERY, COMPARISON}

_MOMENTS = frozenset({"now", "now()", "today", "tomorrow", "yesterday", "current_timestamp", "current_date"})
"""Texts that PostgreSQL converts to a time relative to the clock if a date or timestamp is expected."""
_CLOCK_IN_CONDITION = re.compile(r"\b(now|today|tomorrow|yesterday|current_\w+)\b", re.IGNORECASE)
_PARAMETER = "$PARAMETER"
_PARAMETER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_$]*")
_OF_THE_PARSER = frozenset({"e", "pi", "now", "datetime", "timedelta", "sin", "cos", "tan", "exp", "abs", "trunc"})
_QUERIES = {
    QUERY: (("unexpected_rows_query", True),),
    COMPARISON: (("base_query", True), ("comparison_query", False)),
}
"""The arguments that contain SQL, and whether `{batch}` is replaced in them."""
_BATCH = "elt_validated_relation"
_READ_BY_NAME = frozenset({ResourceType.MODEL, ResourceType.SEED, ResourceType.SNAPSHOT})


def read_suite_queries(
    expectations: Sequence[Mapping[str, object]],
    suite_parameters: Mapping[str, object],
    find: Find,
    adapter: str,
) -> SuiteReading:
    """Return the nodes whose relations a suite's expectations name, and what in them is not understood."""
    nodes: dict[NodeId, None] = {}
    unknown: dict[str, None] = {}
    calls: set[str] = set()
    for number, expectation in enumerate(expectations, start=1):
        type_ = str(expectation.get("type"))
        place = f"in expectation {number}, {type_}"
        if type_ not in UNDERSTOOD:
            unknown[f"the expectation {type_}"] = None
            continue
        kwargs, missing = _with_parameters(expectation, suite_parameters)
        # A dict and not a set: findings keep the order of the file.
        unknown |= dict.fromkeys(f"{what} {place}" for what in (*missing, *_moments(kwargs)))
        found = _relations(type_, kwargs, adapter)
        calls |= found.calls
        unknown |= dict.fromkeys(f"{what} {place}" for what in found.unknown)
        for relation in sorted(found.relations):
            node = find(relation)
            if node is None:
                unknown[f"{'.'.join(relation)}, which is no node of the graph, {place}"] = None
            else:
                nodes[node] = None
    return SuiteReading(nodes=tuple(nodes), not_understood=tuple(unknown), calls=frozenset(calls))


def relation_finder(manifest: Manifest, validated: Relation) -> Find:
    """Return a function that finds the node of a relation; short names mean the schema of the validated relation."""
    known: dict[tuple[str, str], list[tuple[str | None, NodeId]]] = {}
    for node in manifest.nodes.values():
        if node.placed is not None and node.resource_type in _READ_BY_NAME:
            known.setdefault(node.placed.key(), []).append((node.placed.database, node.unique_id))
    for source in manifest.sources.values():  # after the nodes, because a node that writes the table takes precedence
        known.setdefault(source.placed.key(), []).append((source.placed.database, source.unique_id))

    def find(name: tuple[str, ...]) -> NodeId | None:
        identifier = name[-1]
        schema = name[-2] if len(name) > 1 else validated.schema
        database = name[-3] if len(name) > 2 else validated.database
        for its, node_id in known.get((schema.lower(), identifier.lower()), []):
            if its is None or database is None or its.lower() == database.lower():
                return node_id
        return None

    return find


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteFingerprinter:
    """Makes the fingerprints of expectation suites, which dbt does not know."""

    graph: Graph
    readings: Mapping[NodeId, SuiteReading]
    around: Surroundings
    version: str
    """The version of great-expectations."""

    def make(
        self,
        suite: NodeId,
        functions: AbstractSet[str],
        parents: Mapping[NodeId, str],
        versions: Mapping[NodeId, SourceVersion],
    ) -> Fingerprint:
        """Return the fingerprint of a suite, made from its file, what it reads, versions and settings.

        `functions` are the names of the functions that users stored in the database.
        """
        bound, manifest, reading = self.graph.suites[suite], self.graph.manifest, self.readings[suite]
        parts = {
            "suite": reading.digest,
            "adapter": digest_of([self.version, dict(self.around.versions)]),
            # A suite is bound by name, so a change in the project may bind it to another relation.
            "relation": digest_of(str(relation_of(manifest, bound.node))),
            **self.around.setting_parts(),
        }
        # A suite cannot wait for a descendant of the node that it validates. What it read there is of an earlier build.
        later = (one for one in bound.reads if suite not in self.graph.order.descendants([one]))
        findings = (
            *reading.not_understood,
            *(f"{name}(), stored in the database" for name in sorted(reading.calls & functions)),
            *(f"{short_name(one)}, which is built after the suite ran" for one in later),
        )
        return suite_fingerprint(bound, manifest, parts, replace(reading, not_understood=findings), parents, versions)


def relation_of(manifest: Manifest, node: NodeId) -> Relation:
    """Return the relation of a node or a dbt source."""
    relation = manifest.sources[node].placed if node in manifest.sources else manifest.nodes[node].placed
    return Relation(database=None, schema="", identifier="") if relation is None else relation


def suite_fingerprint(
    bound: BoundSuite,
    manifest: Manifest,
    parts: Mapping[str, str],
    reading: SuiteReading,
    parents: Mapping[NodeId, str],
    versions: Mapping[NodeId, SourceVersion],
) -> Fingerprint:
    """Return the fingerprint of a suite from its own `parts` and the data of every relation that it reads."""
    built = dict(parts)
    unknown = set()
    for node in dict.fromkeys((bound.node, *reading.nodes)):
        if node in manifest.sources:
            version = versions.get(node)
            if version is None:
                unknown.add(node)
            # A suite may read every column, including those that dlt adds.
            built[f"parent:{node}"] = digest_of("unknown" if version is None else [version.rows, version.ids])
        elif node in parents:
            built[f"parent:{node}"] = parents[node]
        else:
            built[f"parent:{node}"] = digest_of("unknown")  # not evaluated: the node has no known result
    findings = tuple(Finding(what=what, path=bound.suite.path) for what in reading.not_understood)
    return Fingerprint(node=bound.suite.unique_id, built=built, unknown=frozenset(unknown), not_understood=findings)


def _with_parameters(
    expectation: Mapping[str, object], suite_parameters: Mapping[str, object]
) -> tuple[dict[str, object], list[str]]:
    """Return the arguments with parameters replaced by the suite's own constants, and what could not be replaced.

    great-expectations evaluates a parameter as a formula, which may read the clock. So only a parameter that names a
    constant is replaced.
    """
    missing, kwargs = [], {}
    given = expectation.get("kwargs")
    for key, value in given.items() if isinstance(given, Mapping) else ():
        name = value.get(_PARAMETER) if isinstance(value, Mapping) else None
        is_plain = isinstance(value, Mapping) and len(value) == 1 and isinstance(name, str)
        is_name = _PARAMETER_NAME.fullmatch(str(name)) is not None and str(name).lower() not in _OF_THE_PARSER
        kwargs[key] = suite_parameters[str(name)] if is_plain and is_name and name in suite_parameters else value
    if _PARAMETER in repr(kwargs):  # at any depth, also where it was not replaced
        missing.append("a parameter that is no constant of the suite")
    condition = kwargs.get("row_condition")
    if isinstance(condition, str) and not _is_fixed(condition):
        missing.append("a row_condition that may ask the clock")
    if expectation.get("windows"):
        missing.append("a window of earlier results")
    return kwargs, missing


def _is_fixed(condition: str) -> bool:
    """Return whether the text of a row condition contains no time that depends on the clock."""
    dates = re.findall(r"date\(\s*[\"']([^\"']*)[\"']", condition)
    return not _CLOCK_IN_CONDITION.search(condition) and all(re.match(r"\d{4}-\d\d-\d\d", one) for one in dates)


def _moments(value: object) -> Iterator[str]:
    match value:
        case str():
            if value.strip().lower() in _MOMENTS:
                yield f"the text '{value.strip()}'"
        case Mapping():
            for inner in value.values():
                yield from _moments(inner)
        case list() | tuple():
            for inner in value:
                yield from _moments(inner)


@dataclass(slots=True)
class _SuiteFindings:
    """What one expectation names besides its own relation, what it calls, and what in it is not understood."""

    relations: set[tuple[str, ...]] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    unknown: list[str] = field(default_factory=list)


def _relations(type_: str, kwargs: Mapping[str, object], adapter: str) -> _SuiteFindings:
    found = _SuiteFindings()
    if type_ == OTHER_TABLE:
        name = kwargs.get("other_table_name")
        if isinstance(name, str):
            found.relations.add(tuple(name.replace('"', "").split(".")))
        else:
            found.unknown.append("another table without a name")
    for key, has_batch in _QUERIES.get(type_, ()):
        sql = _sql(kwargs.get(key), has_batch=has_batch)
        if sql is None:
            found.unknown.append(f"{key} that cannot be read")
        else:
            _read(sql, adapter, found)
    return found


def _sql(query: object, *, has_batch: bool) -> str | None:
    """Return a query with `{batch}` replaced by a name; None if it has any other field."""
    if not isinstance(query, str):
        return None
    query = query.rstrip("; \t\r\n\v\f")  # as great-expectations does
    if not has_batch:
        return query
    try:
        fields = [(name, spec, how) for _, name, spec, how in Formatter().parse(query) if name is not None]
        if any(field != ("batch", "", None) for field in fields):  # nothing else has a value
            return None
        return query.format(batch=_BATCH)
    except (ValueError, KeyError, IndexError):
        return None


def _read(sql: str, adapter: str, found: _SuiteFindings) -> None:
    from orchestrator.reuse.fingerprints.statement import read_statement

    read = read_statement(sql, adapter)
    found.relations |= {tuple(one) for one in read.relations} - {(_BATCH,)}  # its own relation is its parent
    found.calls |= read.calls
    found.unknown += [*read.unknown, *read.volatile]
