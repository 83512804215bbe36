"""What dbt logs of a node is kept while it runs."""

from datetime import UTC, datetime
from types import SimpleNamespace

from orchestrator.adapters.dbt.node_log import NodeLog
from orchestrator.nodes.identity import NodeId

STG, FCT = NodeId("model.shop.stg"), NodeId("model.shop.fct")
NOON = SimpleNamespace(ToDatetime=lambda: datetime(2013, 7, 1, 12, tzinfo=UTC))


def _message(text: str) -> SimpleNamespace:
    return SimpleNamespace(ts=NOON, level="debug", msg=text)


def test_a_node_has_its_own_messages_between_its_start_and_its_end() -> None:
    """Not those before it ran, nor another node's."""
    log = NodeLog(lambda text: text)
    log.hear(STG, _message("parsed"))
    log.begin(STG)
    log.begin(FCT)
    log.hear(STG, _message("select 1"))
    log.hear(FCT, _message("select 2"))
    assert log.take(STG) == "12:00:00.000000 debug select 1"
    assert log.take(STG) == ""


def test_secrets_are_masked_even_where_the_text_is_cut() -> None:
    """The mask is laid on before the beginning is cut off, which could leave half a secret."""
    log = NodeLog(lambda text: text.replace("hunter2", "*****"))
    log.begin(STG)
    for _ in range(5_000):
        log.hear(STG, _message("password hunter2 " * 4))
    kept = log.take(STG)
    assert len(kept) == 16_000
    assert "unter2" not in kept
    assert kept.endswith("password *****")
