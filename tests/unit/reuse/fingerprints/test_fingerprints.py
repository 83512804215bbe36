"""A fingerprint changes with what may change the result, and with nothing else."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.nodes.dbt_nodes import DbtNode
from orchestrator.nodes.identity import NodeId
from orchestrator.reuse.fingerprints.surroundings import Surroundings
from orchestrator.reuse.fingerprints.value import Fingerprint, SourceVersion
from tests.graph_factories import make_source, node_id
from tests.unit.reuse.fingerprints.making import all_of, macro, model, one, project

SOURCE = make_source("orders")
COLUMNS = {"id": {"name": "id", "data_type": "integer", "description": "The key.", "constraints": []}}
CONTRACT = {"contract": {"enforced": True}}


def differs(left: Fingerprint, right: Fingerprint) -> set[str]:
    """Give the names of the parts in which two fingerprints differ."""
    return {name for name in left.parts.keys() | right.parts.keys() if left.parts.get(name) != right.parts.get(name)}


IRRELEVANT = {
    "description": {"description": "Other words."},
    "columns": {"columns": {"id": {**COLUMNS["id"], "description": "Other.", "data_type": "bigint"}}},
    "properties": {"properties": "models/other.yml"},
}
OUT_OF_CONFIG = {
    "tags": ["x"],
    "meta": {"owner": "Ann"},
    "group": "finance",
    "access": "public",
    "docs": {"show": False},
    "enabled": True,
    "static_analysis": "off",
    "freshness": {"build_after": {"count": 1}},
}
RELEVANT_CONFIG = {
    "materialized": "view",
    "unique_key": "id",
    "grants": {"select": ["ann"]},
    "pre-hook": [{"sql": "select 1", "transaction": True}],
    "contract": {"enforced": True},
    "persist_docs": {"relation": True},
    "on_schema_change": "fail",
    "meta": {"elt": {"of_our_own": False}},
    "a_key_of_nobody": 1,
    "full_refresh": False,
}


@settings(max_examples=60)
@given(kept=st.sets(st.sampled_from(sorted(OUT_OF_CONFIG))), told=st.sampled_from(sorted(IRRELEVANT)))
def test_edits_without_effect_on_results_change_nothing(kept: set[str], told: str) -> None:
    """Tags, meta, owners, descriptions, documentation: any of them together."""
    config = {key: OUT_OF_CONFIG[key] for key in kept}
    before = one(model("model.a", columns=COLUMNS, description="Words."))
    after = one(model("model.a", config=config, **{"columns": COLUMNS, **IRRELEVANT[told]}))
    assert after == before


@pytest.mark.parametrize("key", RELEVANT_CONFIG)
def test_every_edit_that_affects_a_result_changes_the_fingerprint(key: str) -> None:
    """Each such key of the configuration, and one that nobody knows."""
    assert one(model("model.a", config={key: RELEVANT_CONFIG[key]})).digest != one(model("model.a")).digest


@given(st.permutations(sorted(RELEVANT_CONFIG)))
def test_the_order_of_keys_never_matters(keys: list[str]) -> None:
    """The same configuration is the same however it was written."""
    config = {key: RELEVANT_CONFIG[key] for key in keys}
    assert one(model("model.a", config=config)).digest == one(model("model.a", config=RELEVANT_CONFIG)).digest


def test_a_file_may_move() -> None:
    """Where the file of a model stands is no part of it."""
    moved = replace(model("model.a"), path="models/elsewhere/a.sql")
    assert one(moved) == one(model("model.a"))


def test_types_and_constraints_count_with_an_enforced_contract() -> None:
    """Then the order of the columns is that of the table's; descriptions still say nothing."""
    bound = one(model("model.a", config=CONTRACT, columns=COLUMNS))
    described = {"id": {**COLUMNS["id"], "description": "Other."}}
    typed = {"id": {**COLUMNS["id"], "data_type": "bigint"}}
    assert one(model("model.a", config=CONTRACT, columns=described)) == bound
    assert differs(one(model("model.a", config=CONTRACT, columns=typed)), bound) == {"contract"}
    assert differs(one(model("model.a", config=CONTRACT, columns=COLUMNS, constraints=({"type": "unique"},))), bound)


def test_descriptions_count_where_the_database_stores_them() -> None:
    """As `persist_docs` says."""
    kept = {"persist_docs": {"relation": True}}
    assert differs(
        one(model("model.a", config=kept, description="x")), one(model("model.a", config=kept, description="y"))
    ) == {"docs"}


NAMES = ("m0", "m1", "m2", "m3", "m4")


@st.composite
def macros_with_calls(draw: st.DrawFn) -> dict[str, set[str]]:
    """Draw macros, each calling any of the others (circles too)."""
    return {name: draw(st.sets(st.sampled_from(NAMES), max_size=2)) for name in NAMES}


@given(calls=macros_with_calls(), called=st.sampled_from(NAMES), edited=st.sampled_from(NAMES))
def test_a_macro_affects_only_the_nodes_that_reach_it(calls: dict[str, set[str]], called: str, edited: str) -> None:
    """An edit of a macro changes a node exactly when a chain of calls leads there from its code."""

    def made(edit: str) -> Fingerprint:
        texts = {name: "".join(f"{{{{ {other}() }}}}" for other in sorted(calls[name])) for name in NAMES}
        macros = [macro(name, texts[name] + ("x" if name == edit else "")) for name in NAMES]
        return one(model("model.a", f"select {{{{ {called}() }}}}"), *macros)

    reached, waiting = set(), [called]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += calls[name]
    assert differs(made(""), made(edited)) == ({f"macro:macro.shop.{edited}"} if edited in reached else set())


def test_a_macro_is_reached_in_a_branch_that_dbt_did_not_take() -> None:
    """What dbt noted while it parsed is not all: the text names the macro."""
    text = "{% if execute %}{{ hidden() }}{% endif %}"
    assert "macro:macro.shop.hidden" in one(model("model.a", text), macro("hidden", "1")).parts


def test_a_macro_that_overrides_one_of_dbts_affects_every_node() -> None:
    """dbt may call it for any node; the macros of dbt itself come with its version."""
    of_dbt = macro("create_table_as", "1", package="dbt")
    parts = one(model("model.a"), of_dbt, macro("duckdb__create_table_as", "2")).parts
    assert "macro:macro.shop.duckdb__create_table_as" in parts
    assert "macro:macro.dbt.create_table_as" not in parts


def test_a_macro_that_overrides_one_of_dbts_reads_the_manifest_entry_of_each_node() -> None:
    """Then tags may change any result."""
    macros = (macro("grants", "1", package="dbt"), macro("grants", "{{ config.get('tags') }}"))
    tagged = [
        all_of(project(model("model.a"), model("model.b", config={"tags": tags}), *macros)) for tags in ([], ["x"])
    ]
    changed = [name for name in tagged[0] if tagged[0][name] != tagged[1][name]]
    assert changed == [node_id("model.b")]


def test_a_materialization_of_the_project_affects_only_the_nodes_that_use_it() -> None:
    """With the macros that it calls."""
    text = "{% materialization mine, default %}{{ inner() }}{% endmaterialization %}"
    macros = (macro("materialization_mine_default", text, body_only=False), macro("inner", "1"))
    assert "macro:macro.shop.inner" in one(model("model.a", config={"materialized": "mine"}), *macros).built
    assert "macro:macro.shop.inner" not in one(model("model.a"), *macros).parts


VARS = {"shop": {"start": "2024-01-01", "floor": 1, "nested": "{{ env_var('HOST') }}"}}


def around(vars_changed: dict[str, object] | None = None, **options) -> Surroundings:
    """Make surroundings with vars of the project, some of them changed."""
    return Surroundings(vars={"shop": {**VARS["shop"], **(vars_changed or {})}}, **options)


@pytest.mark.parametrize("code", ["{{ var('start') }}", "{{ m() }}", "{{ var('st' ~ 'art') }}"])
def test_a_var_affects_only_the_nodes_that_reach_it(code: str) -> None:
    """In the code or in a macro; another one does not, unless any may be asked for."""
    parts = (model("model.a", code), macro("m", "{{ var('start') }}"))
    before = one(*parts, around=around())
    assert len(differs(before, one(*parts, around=around({"start": "2025-01-01"})))) == 1
    other = differs(before, one(*parts, around=around({"floor": 2})))
    assert other == ({"var:*"} if "~" in code else set())


def test_a_var_that_is_a_template_adds_what_it_reads() -> None:
    """dbt evaluates it: the variable inside enters too, as the digest that the surroundings give."""
    here = around(environment=lambda name: f"digest of {name}")
    found = one(model("model.a", "{{ var('nested') }}"), around=here).parts
    assert found["env:HOST"] == "digest of HOST"


def test_differences_visible_in_the_compiled_sql_are_distinguished_from_others() -> None:
    """A macro of the code is settled by compiling; one that a hook uses too is not."""
    calling = {"post-hook": [{"sql": "{{ logged() }} {{ var('floor') }}"}]}
    code = "{{ logged() }} {{ cents() }} {{ var('floor') }}"
    found = one(model("model.a", code, config=calling), macro("logged", "1"), macro("cents", "2"), around=around())
    assert found.rendered.keys() - found.built.keys() == {"code", "macro:macro.shop.cents"}
    assert {"macro:macro.shop.logged", "var:floor", "hook:post-hook"} <= found.built.keys()


@pytest.mark.parametrize(
    "code", ["{% if is_incremental() %}x{% endif %}", "{% call set_sql_header(config) %}x{% endcall %}"]
)
def test_code_that_compiles_to_several_texts_is_not_decided_by_one(code: str) -> None:
    """What an incremental model compiles to depends on what stands; a header is no part of the compiled SQL."""
    assert one(model("model.a", code)).rendered == {}


def test_a_comment_in_an_incremental_model_changes_nothing_either() -> None:
    """It is left out before the code is hashed; what is asked is not."""
    code = "select a -- note\nfrom t\n{% if is_incremental() %}\n  where b -- new ones\n{% endif %}"
    assert one(model("model.a", code)) == one(
        model("model.a", code.replace("note", "words").replace("  where", "where"))
    )
    assert differs(one(model("model.a", code)), one(model("model.a", code.replace("where b", "where c")))) == {"code"}


def test_a_nodes_own_entry_counts_where_its_code_reads_it() -> None:
    """Then even tags may change the result."""
    tagged = [one(model("model.a", "{{ config.get('tags') }}", config={"tags": tags})) for tags in ([], ["x"])]
    assert differs(*tagged) == {"metadata"}


def chain(**edits: str) -> dict[NodeId, Fingerprint]:
    """Make source → a → b (ephemeral) → c, with some code edited."""
    nodes = (
        model("model.a", edits.get("a", "select 1"), "source.raw.orders"),
        model("model.b", edits.get("b", "select 2"), "model.a", config={"materialized": "ephemeral"}),
        model("model.c", edits.get("c", "select 3"), "model.b"),
    )
    versions = {SOURCE.unique_id: SourceVersion(rows=edits["data"])} if "data" in edits else {}
    return all_of(project(SOURCE, *nodes), versions=versions)


@pytest.mark.parametrize(("edited", "changed"), [("data", "abc"), ("a", "abc"), ("b", "bc"), ("c", "c")])
def test_a_change_affects_exactly_its_descendants(edited: str, changed: str) -> None:
    """Parents enter by what they are, sources by the version of their data."""
    before, after = chain(data="load 1"), chain(**{"data": "load 1", edited: "other"})
    assert {name for name in "abc" if before[node_id(f"model.{name}")] != after[node_id(f"model.{name}")]} == set(
        changed
    )


def test_an_ephemeral_model_is_decided_by_its_readers() -> None:
    """Its code shows in their compiled SQL; what it reads itself does not."""
    found = chain()[node_id("model.c")]
    assert "parent:model.shop.b" in found.rendered
    assert "parent:model.shop.a" in found.built


def test_a_source_without_a_version_is_named() -> None:
    """Who decides must know that nobody knows; also through an ephemeral model."""
    found = one(SOURCE, model("model.a", "select 1", "source.raw.orders"))
    assert found.unknown == {SOURCE.unique_id}
    assert chain(data="1")[node_id("model.a")].unknown == frozenset()


def test_the_same_source_in_another_place_is_another_source() -> None:
    """Its relation and what an adapter is told of it enter; its freshness does not."""
    reader = model("model.a", "select 1", "source.raw.orders")
    moved = replace(SOURCE, reading={"meta": {"external_location": "s3://x"}})
    assert differs(one(SOURCE, reader), one(moved, reader)) == {"relation:source.shop.raw.orders"}
    assert one(replace(SOURCE, warn_after_seconds=9.0), reader) == one(SOURCE, reader)


def test_the_caller_may_decide_what_counts_as_a_changed_parent() -> None:
    """A parent that compiles to what stands is to its children what it was."""
    settled = {
        code: all_of(project(model("model.a", code), model("model.b", "x", "model.a")), identity=lambda _: "same")
        for code in ("one", "two")
    }
    assert settled["one"][node_id("model.b")] == settled["two"][node_id("model.b")]


TEST_KWARGS = {"test_metadata": {"name": "unique", "kwargs": {"column_name": "id"}}}


@pytest.mark.parametrize(
    ("config", "arguments"),
    [
        ({"where": "id > 1"}, TEST_KWARGS),
        ({"limit": 5}, TEST_KWARGS),
        ({"severity": "warn"}, TEST_KWARGS),
        ({"error_if": ">10"}, TEST_KWARGS),
        ({}, {"test_metadata": {"name": "unique", "kwargs": {"column_name": "no"}}}),
    ],
)
def test_a_test_changes_with_its_arguments_and_thresholds(config: dict, arguments: dict) -> None:
    """And with the node that it checks."""

    def made(config: dict, arguments: dict, code: str = "select 1") -> Fingerprint:
        check = model("test.t", "{{ test_unique() }}", "model.a", config=config, arguments=arguments)
        return one(model("model.a", code), check, of="test.t")

    assert made(config, arguments).digest != made({}, TEST_KWARGS).digest
    assert differs(made({}, TEST_KWARGS, "select 2"), made({}, TEST_KWARGS)) == {"parent:model.shop.a"}


def test_the_case_of_a_severity_does_not_matter() -> None:
    """dbt reads it without regard to case."""
    found = [one(model("test.t", config={"severity": word}), of="test.t") for word in ("WARN", "warn")]
    assert found[0] == found[1]


def test_a_unit_test_is_its_rows_and_its_model() -> None:
    """It is never compiled to be compared."""

    def made(row: int, code: str = "select 1") -> Fingerprint:
        check = model("unit_test.u", "", "model.a", arguments={"given": [{"rows": [{"id": row}]}]})
        return one(model("model.a", code), check, of="unit_test.u")

    assert differs(made(1), made(2)) == {"arguments"}
    assert differs(made(1, "select 2"), made(1)) == {"parent:model.shop.a"}
    assert made(1).rendered == {}


def test_a_seed_is_its_content() -> None:
    """The bytes of its file: dbt hashes the text without the spaces around it."""

    def made(content: str, checksum: str) -> str:
        here = Surroundings(seed_content=lambda node: f"{content} of {node.name}")
        return one(model("seed.s", "", checksum=checksum), of="seed.s", around=here).built["seed"]

    assert made("a", "sha256:1") == made("a", "sha256:2")
    assert made("a", "sha256:1") != made("a  ", "sha256:1")


def shared(**surroundings) -> Fingerprint:
    """Make a model's fingerprint in some surroundings."""
    return one(model("model.a", "{{ target.name }}"), around=Surroundings(**surroundings))


def test_versions_target_and_limiting_settings_count() -> None:
    """The target only where it is read."""
    assert differs(shared(), shared(versions={"duckdb": "2.0"})) == {"adapter"}
    assert differs(shared(), shared(target={"name": "prod"})) == {"target"}
    assert differs(shared(), shared(settings={"dispatch": ["a"]})) == {"setting:dispatch"}
    assert one(model("model.a")) == one(model("model.a"), around=Surroundings(target={"name": "prod"}))


def operation(tag: str, sql: str) -> DbtNode:
    """Make a hook of the project."""
    return replace(model("operation.o", sql), tags=(tag,))


def test_on_run_start_hooks_affect_every_node_and_on_run_end_hooks_none() -> None:
    """The first may make what models call."""
    plain = one(model("model.a"))
    assert differs(one(model("model.a"), operation("on-run-start", "create macro")), plain) == {"hook:on-run-start"}
    assert one(model("model.a"), operation("on-run-end", "vacuum")) == plain


CLOCK = "{{ run_started_at }}"


@pytest.mark.parametrize(("said", "code", "volatile"), [(None, CLOCK, True), (False, CLOCK, False), (True, "1", True)])
def test_volatile_sql_is_found_or_declared(said: bool | None, code: str, volatile: bool) -> None:
    """`meta.elt.volatile` has the last word."""
    config = {} if said is None else {"meta": {"elt": {"volatile": said}}}
    assert (one(model("model.a", f"select {code}", config=config)).volatile is not None) is volatile


def test_a_finding_says_where_it_is() -> None:
    """The file and the line, or the macro; in an ephemeral model for its readers too."""
    assert str(one(model("model.a", f"select 1,\n {CLOCK}")).volatile) == "run_started_at (models/a.sql:2)"
    through = one(model("model.a", "{{ m() }}"), macro("m", CLOCK)).volatile
    assert str(through) == "run_started_at in the macro m (macros/m.sql)"
    asking = one(model("model.a", "{{ m() }}"), macro("m", "{{ run_query('x') }}"))
    assert str(asking.at_run_time) == "run_query in the macro m (macros/m.sql)"
    below = chain(b=f"select {CLOCK}")[node_id("model.c")]
    assert str(below.volatile) == "run_started_at (models/b.sql:1)"
    assert chain(a=f"select {CLOCK}")[node_id("model.c")].volatile is None


def test_a_key_that_only_some_releases_of_dbt_write_does_not_change_the_entry_while_it_is_unset() -> None:
    """dbt 1.12 writes `sql_header: null` into each data test. A text that reads the entry depends on what is set."""
    before, after, changed = (
        one(model("model.a", "select {{ config.get('x') }}", config=config))
        for config in (
            {"materialized": "table"},
            {"materialized": "table", "sql_header": None},
            {"sql_header": "set x = 1"},
        )
    )
    assert differs(before, after) == set()
    assert "metadata" in differs(before, changed)
