"""The fingerprint of a step of one's own: what it does, its files by content, and what it follows by results."""

from pathlib import Path

import pytest

from orchestrator.nodes.identity import NodeId
from orchestrator.reuse.fingerprints.own_step_fingerprints import StepFingerprinter, read_by_step
from orchestrator.reuse.fingerprints.value import Fingerprint, SourceVersion
from tests.graph_factories import ids, make_graph, make_node, make_own, make_source, make_suite, node_id

PARENTS = {node_id("model.fct"): "a" * 64, node_id("model.stg"): "b" * 64}


def graph(**fields):
    follows = fields.pop("follows", ("exposure.board",))
    return make_graph(
        make_source("s"),
        make_node("model.stg", "source.raw.s"),
        make_node("model.fct", "model.stg"),
        make_node("test.ok", "model.fct", "model.stg"),
        make_node("exposure.board", "model.fct"),
        suites=[make_suite("m", "model.stg")],
        steps=[make_own("x", *follows, **{"inputs": ("ml/*.py",), **fields}), make_own("other", "model.stg")],
    )


def made(root: Path, known=PARENTS, versions=None, **fields) -> Fingerprint:
    maker = StepFingerprinter(graph=graph(**fields), root=root)
    return maker.make(NodeId("step.x"), known, versions or {})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "ml").mkdir()
    (tmp_path / "ml" / "train.py").write_text("one")
    return tmp_path


def test_equal_inputs_have_equal_fingerprints(root: Path) -> None:
    """Whenever the files were written."""
    first = made(root)
    (root / "ml" / "train.py").write_text("one")
    assert made(root).digest == first.digest
    assert set(first.built) == {"step", "file:ml/train.py", "parent:model.shop.fct"}


def test_every_input_changes_the_fingerprint(root: Path) -> None:
    """The content of a file, one more file, what it does, and the result of a parent."""
    found = [made(root), made(root, env=("TOKEN",)), made(root, {**PARENTS, node_id("model.fct"): "c" * 64})]
    (root / "ml" / "more.py").write_text("two")
    found.append(made(root))
    (root / "ml" / "more.py").write_text("three")
    found.append(made(root))
    assert len({one.digest for one in found}) == len(found)


def test_a_pattern_without_files_and_a_folder(root: Path) -> None:
    """Nothing is a state as well; a folder stands for all files in it, without Python's own."""
    (root / "ml" / "__pycache__").mkdir()
    (root / "ml" / "__pycache__" / "train.pyc").write_text("x")
    assert set(made(root, inputs=("data/*.csv",)).built) == {"step", "file:data/*.csv", "parent:model.shop.fct"}
    assert made(root, inputs=("ml",)).digest == made(root).digest


def test_checks_and_exposures_are_looked_through(root: Path) -> None:
    """They leave nothing that the step could read."""
    assert read_by_step(graph(), NodeId("step.x")) == (node_id("model.fct"),)
    follows = ("test.ok", "expectation.m")
    assert set(read_by_step(graph(follows=follows), NodeId("step.x"))) == ids("model.fct", "model.stg")


def test_what_is_not_known_of_a_parent_is_told(root: Path) -> None:
    """A step without inputs, and a dbt source whose rows have no version."""
    after_step = made(root, follows=("step.other",))
    assert [str(one) for one in after_step.not_understood] == [
        "step:other has no inputs, so what it does is not known (elt.yml)"
    ]
    source_id = NodeId("source.shop.raw.s")
    after_source = made(root, follows=("source.raw.s",))
    assert after_source.unknown == {source_id}
    versions = {source_id: SourceVersion(rows="7")}
    assert made(root, versions=versions, follows=("source.raw.s",)).unknown == frozenset()


def test_a_file_that_cannot_be_read_lets_the_step_run(root: Path, monkeypatch) -> None:
    """The reason names it."""

    def refuse(self: Path, *_args: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    (finding,) = made(root).not_understood
    assert "train.py cannot be read: Permission denied" in str(finding)
