"""Draws the data tests and unit tests of a random project."""

from hypothesis import strategies as st

from tests.agreement.random_nodes import PACKAGE, ColumnTest, Limits, Node, Project, SingularTest, UnitTest

_COUNTS = st.sampled_from([None, None, None, "> 0", "> 1", ">= 3", "= 2", "!= 0"])
_UNIQUE = {"unique": "id", "not_null": "id", "accepted_values": "id", "at_least": "amount", "relationships": "id"}


@st.composite
def column_tests(draw: st.DrawFn, project: Project) -> tuple[ColumnTest, ...]:
    """Draw generic tests on columns: about one a node, each kind at most once a node."""
    drawn: dict[str, ColumnTest] = {}
    for _ in range(draw(st.integers(0, len(project.nodes)))):
        test = draw(_column_test(project))
        drawn.setdefault(test.name, test)
    return tuple(drawn.values())


@st.composite
def singular_tests(draw: st.DrawFn, project: Project) -> tuple[SingularTest, ...]:
    """Draw tests over several nodes, or over none."""
    names = [node.name for node in project.nodes if node.enabled]
    return tuple(
        SingularTest(
            name=f"singular_{number}",
            parents=tuple(draw(st.lists(st.sampled_from(names), unique=True, max_size=3))),
            limits=draw(_limits()),
            rows=draw(st.integers(1, 4)),
        )
        for number in range(draw(st.integers(0, 3)))
    )


@st.composite
def unit_tests(draw: st.DrawFn, project: Project) -> tuple[UnitTest, ...]:
    """Draw unit tests of models that have parents, at times two of one model."""
    names = [node.name for node in project.nodes if node.is_model and node.enabled and node.parents]
    if not names:
        return ()
    models = draw(st.lists(st.sampled_from(names), max_size=4))
    return tuple(UnitTest(name=f"adds_{number}", model=model) for number, model in enumerate(models))


@st.composite
def _column_test(draw: st.DrawFn, project: Project) -> ColumnTest:
    node = draw(st.sampled_from(project.nodes))
    kind = draw(st.sampled_from(["not_null", "unique", "accepted_values", "at_least", "at_least", "relationships"]))
    others = [other.name for other in project.nodes if _may_be_named(other, by=node)]
    if kind == "relationships" and not others:
        kind = "not_null"
    return ColumnTest(
        node=node.name,
        column=_UNIQUE[kind],
        kind=kind,
        limits=draw(_limits()),
        to=draw(st.sampled_from(others)) if kind == "relationships" else None,
        where=draw(st.sampled_from([None, None, None, "id > 1"])),
        limit=draw(st.sampled_from([None, None, None, 2])),
        stored=draw(st.sampled_from([None, None, None, None, "table", "view"])),
        tag=draw(st.sampled_from([None, None, "green"])),
    )


@st.composite
def _limits(draw: st.DrawFn) -> Limits:
    return Limits(
        severity=draw(st.sampled_from(["error", "error", "warn"])),
        warn_if=draw(_COUNTS),
        error_if=draw(_COUNTS),
        fail_calc=draw(st.sampled_from([None, None, None, "coalesce(sum(1), 0)"])),
    )


def _may_be_named(other: Node, *, by: Node) -> bool:
    return other.name != by.name and other.enabled and (by.package != PACKAGE or other.package == PACKAGE)
