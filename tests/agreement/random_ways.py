"""Draws how a random project is run: the selection, dbt's options, and whether the warehouse is full."""

from hypothesis import strategies as st

from tests.agreement.random_nodes import Kind, Project, Way

_MODES = ("eager", "cautious", "buildable", "empty")


@st.composite
def ways(draw: st.DrawFn, project: Project) -> Way:
    """Draw a way: most often all of the project, on an empty warehouse, without options."""
    selected = draw(st.lists(expressions(project), max_size=2)) if draw(st.booleans()) else []
    excluded = draw(st.lists(expressions(project), max_size=1)) if draw(st.booleans()) else []
    return Way(
        options=draw(_options()), select=tuple(selected), exclude=tuple(excluded), again=draw(st.integers(0, 3)) == 3
    )


@st.composite
def _options(draw: st.DrawFn) -> tuple[str, ...]:
    kinds = ["none", "none", "full", "warn", "mode", "mode", "type", "threads", "empty"]
    chosen: list[str] = []
    for kind in draw(st.lists(st.sampled_from(kinds), max_size=2, unique=True)):
        match kind:
            case "full":
                chosen.append("--full-refresh")
            case "warn":
                chosen.append("--warn-error")
            case "mode":
                chosen += ["--indirect-selection", draw(st.sampled_from(_MODES))]
            case "type":
                types = ["model", "test", "unit_test", "seed", "snapshot", "exposure", "saved_query"]
                option = draw(st.sampled_from(["--resource-type", "--exclude-resource-type"]))
                chosen += [option, draw(st.sampled_from(types))]
            case "threads":
                chosen += ["--threads", "1"]
            case "empty":
                chosen.append("--empty")
    return tuple(chosen)


@st.composite
def expressions(draw: st.DrawFn, project: Project) -> str:
    """Draw a selection expression over a project."""
    first = draw(_criterion(project))
    return f"{first},{draw(_criterion(project))}" if draw(st.integers(0, 3)) == 3 else first


@st.composite
def _criterion(draw: st.DrawFn, project: Project) -> str:
    node = draw(st.sampled_from(project.nodes))
    name = f"source:*.{node.name}" if node.kind is Kind.SOURCE else node.name
    forms = [f"{name}+", name, f"+{name}", f"+{name}+", f"@{name}", f"1+{name}", f"{name}+1", f"2+{name}+2"]
    others = [
        "tag:blue",
        "tag:green",
        "tag:blue+",
        "path:models/a",
        "path:models/b+",
        "config.materialized:table",
        "config.materialized:incremental+",
        "resource_type:seed",
        "resource_type:seed+",
        "resource_type:test",
        "test_type:data",
        "test_type:unit",
        "test_type:singular",
        "test_name:at_least",
        "package:extras",
        "package:drawn",
        "source:*+",
        "n1*",
        "*",
        f"unit_test:{project.unit_tests[0].name}" if project.unit_tests else "test_type:generic",
        f"{project.singular_tests[0].name}" if project.singular_tests else "fqn:*",
        "+exposure:board" if project.exposed else f"+{name}",
        "+saved_query:weekly" if project.saved_query_on else f"{name}+",
    ]
    return draw(st.one_of(st.sampled_from(forms), st.sampled_from(others)))
