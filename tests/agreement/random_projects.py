"""Draws random dbt projects of 5 to 30 nodes: their graph, their tests, and what is wrong with them."""

from dataclasses import replace

from hypothesis import strategies as st

from tests.agreement.random_nodes import (
    PACKAGE,
    ROOT,
    ColumnTest,
    Defect,
    Hook,
    Kind,
    Node,
    Project,
    SingularTest,
    UnitTest,
)
from tests.agreement.random_tests import column_tests, singular_tests, unit_tests
from tests.agreement.random_ways import ways

KINDS = (
    *(Kind.SOURCE,) * 2,
    *(Kind.SEED,) * 2,
    *(Kind.VIEW,) * 4,
    *(Kind.TABLE,) * 5,
    *(Kind.INCREMENTAL,) * 3,
    *(Kind.EPHEMERAL,) * 3,
    Kind.SNAPSHOT,
)
_WITHOUT_PARENTS = frozenset({Kind.SOURCE, Kind.SEED})
_OF_A_MODEL = (Defect.SQL, Defect.JINJA, Defect.PYTHON)
_HOOKS = (Defect.PRE_HOOK, Defect.POST_HOOK)
_DEFECTS = {
    Kind.SOURCE: (Defect.MISSING,),
    Kind.SEED: (Defect.COLUMN_TYPE,),
    Kind.SNAPSHOT: (Defect.SQL,),
    Kind.EPHEMERAL: _OF_A_MODEL,
    Kind.VIEW: (*_OF_A_MODEL, *_HOOKS),
    Kind.TABLE: (*_OF_A_MODEL, *_HOOKS),
    Kind.INCREMENTAL: (*_OF_A_MODEL, *_HOOKS),
}


@st.composite
def random_projects(draw: st.DrawFn) -> Project:
    """Draw a project, up to four defects, and a way to run it."""
    nodes = draw(_nodes())
    project = Project(nodes=nodes)
    project = replace(project, column_tests=draw(column_tests(project)))
    project = replace(project, singular_tests=draw(singular_tests(project)), unit_tests=draw(unit_tests(project)))
    project = replace(project, exposed=draw(_exposed(project)), saved_query_on=draw(_saved_query(project)))
    for _ in range(draw(st.integers(0, 4))):
        project = draw(_spoilt(project))
    if project.halting_hooks:  # dbt itself breaks when it has to skip an exposure because of a hook
        project = replace(project, exposed=(), saved_query_on=None)
    return replace(project, way=draw(ways(project)))


def one_in(count: int) -> st.SearchStrategy[bool]:
    """Draw True about once in so many times; False is the simpler answer."""
    return st.integers(0, count - 1).map(lambda number: number == count - 1)


@st.composite
def _nodes(draw: st.DrawFn) -> tuple[Node, ...]:
    has_package = draw(st.booleans())
    nodes: list[Node] = []
    for number in range(draw(st.integers(5, 30))):
        package = PACKAGE if has_package and draw(one_in(4)) else ROOT
        nodes.append(draw(_node(f"n{number}", package, nodes)))
    used = {parent for node in nodes for parent in node.parents}
    return tuple(
        replace(node, enabled=False) if node.is_model and node.name not in used and draw(one_in(8)) else node
        for node in nodes
    )


@st.composite
def _node(draw: st.DrawFn, name: str, package: str, before: list[Node]) -> Node:
    before_it = [node for node in before if package == ROOT or node.package == PACKAGE]
    above = [node.name for node in before_it]
    kind = draw(st.sampled_from(KINDS if above else (Kind.SOURCE, Kind.SEED, Kind.VIEW)))
    if kind in _WITHOUT_PARENTS:
        return Node(name=name, kind=kind, package=package)
    if kind is Kind.SNAPSHOT:
        parent = draw(st.sampled_from(before_it))
        # in YAML all columns are taken: of another snapshot also those in which hashes and times stand
        forms = ["sql"] if parent.kind is Kind.SNAPSHOT else ["yaml", "sql"]
        variant = draw(st.sampled_from(forms))
        return Node(name=name, kind=kind, package=package, parents=(parent.name,), variant=variant)
    # recent nodes are likelier parents, so that chains grow long
    likely = [*above, *above[-6:], *above[-3:]]
    parents = (
        draw(st.lists(st.sampled_from(likely), unique=True, min_size=min(1, len(above)), max_size=3)) if above else []
    )
    is_stored = kind is not Kind.EPHEMERAL
    versions = draw(st.integers(1, 2)) if draw(one_in(12)) else 0
    return Node(
        name=name,
        kind=kind,
        package=package,
        parents=tuple(parents),
        united=kind is not Kind.INCREMENTAL and draw(one_in(6)),
        variant=draw(st.sampled_from(["append", "delete+insert", "merge"])) if kind is Kind.INCREMENTAL else "",
        versions=versions,
        pinned=draw(st.booleans()),
        alias=is_stored and not versions and draw(one_in(6)),
        schema=draw(st.sampled_from([None, None, "marts", "other"])) if is_stored else None,
        tag=draw(st.sampled_from([None, "blue", "green"])),
        folder=draw(st.sampled_from(["a", "b"])),
        contract=kind in {Kind.VIEW, Kind.TABLE} and draw(one_in(8)),
        hooked=is_stored and draw(one_in(8)),
    )


@st.composite
def _exposed(draw: st.DrawFn, project: Project) -> tuple[str, ...]:
    names = [node.name for node in project.nodes if node.enabled and not node.versions]
    return tuple(draw(st.lists(st.sampled_from(names), unique=True, max_size=3))) if names else ()


@st.composite
def _saved_query(draw: st.DrawFn, project: Project) -> str | None:
    names = [
        node.name
        for node in project.nodes
        if node.is_model and node.enabled and not node.versions and node.kind is not Kind.EPHEMERAL
    ]
    return draw(st.sampled_from(names)) if names and draw(one_in(6)) else None


@st.composite
def _spoilt(draw: st.DrawFn, project: Project) -> Project:
    """Draw what is wrong first, then where: each kind of defect is about as likely."""
    chances = _chances(project)
    chance = draw(st.sampled_from([*chances, "a hook"]))
    if chance == "a hook":
        hook = Hook(package=draw(st.sampled_from([ROOT, PACKAGE])), when=draw(st.sampled_from(["start", "end"])))
        hooks = tuple(dict.fromkeys([*project.failing_hooks, hook]))
        return replace(project, failing_hooks=hooks, halting_hooks=draw(st.booleans()))
    where, index, defect = draw(st.sampled_from(chances[chance]))
    parts = getattr(project, where)
    spoilt = replace(parts[index], defect=defect)
    changed = [*parts[:index], spoilt, *parts[index + 1 :]]
    if where == "unit_tests":
        # beside a wrong one those of the same model run or are skipped, as the order falls
        changed = [test for test in changed if test is spoilt or test.model != spoilt.model]
    return replace(project, **{where: tuple(changed)})


def _chances(project: Project) -> dict[str, list[tuple[str, int, Defect]]]:
    """Give what can go wrong: each kind of part and defect with the places where it can."""
    found: dict[str, list[tuple[str, int, Defect]]] = {}
    for where in ("nodes", "column_tests", "singular_tests", "unit_tests"):
        for index, part in enumerate(getattr(project, where)):
            for defect in _possible(part):
                found.setdefault(f"{where}: {defect.name}", []).append((where, index, defect))
    return dict(sorted(found.items()))


def _possible(part: Node | ColumnTest | SingularTest | UnitTest) -> tuple[Defect, ...]:
    match part:
        case Node():
            return (*_DEFECTS[part.kind], Defect.CONTRACT) if part.contract else _DEFECTS[part.kind]
        case ColumnTest():
            return (Defect.SAYS_NO, Defect.SQL) if part.kind in {"accepted_values", "at_least"} else (Defect.SQL,)
        case UnitTest():
            return (Defect.SAYS_NO, Defect.GIVEN)
        case SingularTest():
            return (Defect.SAYS_NO, Defect.SQL, Defect.JINJA)
