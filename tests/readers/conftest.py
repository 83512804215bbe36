"""What elt writes, made once: a sound project with its documents, a broken one, and one that was changed."""

import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from built import Built, build, command, write


class Made:
    """Projects being built, two at a time."""

    def __init__(self, root: Path, pool: ThreadPoolExecutor) -> None:
        self.sound: Future[Built] = pool.submit(_sound, root)
        self.broken: Future[Built] = pool.submit(_broken, root)


@pytest.fixture(scope="session", autouse=True)
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """Begin to build before the readers are imported."""
    with ThreadPoolExecutor(2) as pool:
        yield Made(tmp_path_factory.mktemp("readers"), pool)


@pytest.fixture(scope="session")
def sound(made: Made) -> Built:
    """A project in which nothing is wrong, built, with the age of its sources and its catalogue."""
    return made.sound.result()


@pytest.fixture(scope="session")
def broken(made: Made) -> Built:
    """The same with some twenty defects, built."""
    return made.broken.result()


@pytest.fixture
def changed(sound: Built, tmp_path: Path) -> Built:
    """The sound project, in which one model was changed and built again; `target-base` is what was before."""
    folder = tmp_path / "changed"
    shutil.copytree(sound.folder, folder)
    shutil.copytree(folder / "target", folder / "target-base")
    model = folder / "models" / "marts" / "fct_orders.sql"
    model.write_text(model.read_text().replace("ordered_on from", "ordered_on, 1 as one from"))
    return build(folder, "--select", "fct_orders")


def _sound(root: Path) -> Built:
    folder = write(root / "sound", defects=False, functions=False)
    built = build(folder)
    aged = command(folder, "elt", "freshness")
    assert aged.returncode == 1, aged.stderr
    kept = shutil.copy(folder / "target" / "run_results.json", folder)
    documented = command(folder, "elt", "docs", "generate")
    assert documented.returncode == 0, documented.stdout
    shutil.move(kept, folder / "target" / "run_results.json")  # `docs generate` compiles, and records that
    return replace(built, folder=folder)


def _broken(root: Path) -> Built:
    return build(write(root / "broken", defects=True, functions=True))
