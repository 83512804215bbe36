"""A change is told by the file and the name that the user knows."""

import pytest

from orchestrator.reuse.fingerprints.change_words import Words
from orchestrator.reuse.fingerprints.compare import Change, How
from orchestrator.reuse.fingerprints.make import Fingerprinter
from tests.graph_factories import make_source
from tests.unit.reuse.fingerprints.making import AROUND, macro, model, project


@pytest.fixture(scope="module")
def words() -> Words:
    """Words for a model that reaches a macro of a package through one of its own."""
    node = model("model.a", "{{ cents() }}", properties="models/models.yml")
    macros = (macro("cents", "{{ rounded() }}"), macro("rounded", "1", package="numbers"), macro("dbt_one", "1"))
    manifest = project(make_source("orders"), node, *macros)
    return Words(manifest, Fingerprinter(manifest, AROUND), node)


@pytest.mark.parametrize(
    ("part", "how", "told"),
    [
        ("code", How.CHANGED, "code changed: models/a.sql"),
        ("macro:macro.shop.cents", How.CHANGED, "macro changed: macros/cents.sql (cents, used by a)"),
        (
            "macro:macro.numbers.rounded",
            How.CHANGED,
            "macro changed: numbers/macros/rounded.sql (used through a → cents → rounded)",
        ),
        ("macro:macro.shop.old", How.REMOVED, "macro old is gone"),
        (
            "macro:macro.shop.dbt_one",
            How.ADDED,
            "macro is new: macros/dbt_one.sql (dbt_one, which stands in for one of dbt)",
        ),
        ("var:start_date", How.CHANGED, "var start_date changed"),
        ("var:*", How.CHANGED, "any var changed"),
        ("env:REGION", How.CHANGED, "environment variable REGION changed"),
        ("parent:model.shop.stg", How.CHANGED, "parent stg changed"),
        ("parent:source.shop.raw.orders", How.CHANGED, "data of source raw.orders changed"),
        ("relation:source.shop.raw.orders", How.CHANGED, "where source raw.orders is read from changed"),
        ("relation", How.CHANGED, "place in the warehouse changed"),
        ("config:unique_key", How.ADDED, "configuration unique_key is new"),
        ("hook:post-hook", How.CHANGED, "post-hook changed"),
        ("contract", How.CHANGED, "contract changed: models/models.yml"),
        ("setting:event_time_start", How.ADDED, "setting event-time-start is new"),
        ("adapter", How.CHANGED, "versions of dbt and the database changed"),
        ("a part of tomorrow", How.CHANGED, "a part of tomorrow changed"),
    ],
)
def test_every_part_has_words(words: Words, part: str, how: How, told: str) -> None:
    """Also one that this elt does not know."""
    assert words.change(Change(part=part, how=how)) == told
