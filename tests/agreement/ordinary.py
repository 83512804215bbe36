"""The pairs of the ordinary suite, by project."""

from tests.agreement.pairs import Pair, ordinary_pairs
from tests.agreement.projects import defects_of, project_names


def _by_project() -> dict[str, tuple[Pair, ...]]:
    pairs = ordinary_pairs({project: defects_of(project) for project in project_names()})
    return {project: tuple(pair for pair in pairs if pair.project == project) for project in project_names()}


def name_of(pair: Pair) -> str:
    """Give the name of a pair in the report of the tests, without its project."""
    what = pair.defects[0].name if len(pair.defects) == 1 else f"{len(pair.defects)}-defects"
    return f"{pair.way.name.replace(' ', '-')}-{what}"


PAIRS = _by_project()
