"""What each release of dbt can do."""

from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from orchestrator.adapters.dbt.bridge import releases
from orchestrator.adapters.dbt.bridge.releases import RELEASES, installed_release, load_env_file, release_of
from orchestrator.adapters.dbt.warning_tag import without_tag
from orchestrator.adapters.versions import stated_bounds


@pytest.mark.parametrize(
    ("number", "known"),
    [("1.11.2", "1.11"), ("1.11.16", "1.11"), ("1.12.0rc1", "1.12"), ("1.12.0", "1.12"), ("1.12.6", "1.12")],
)
def test_a_release_can_do_what_its_minor_release_can_do(number: str, known: str) -> None:
    """Also a candidate of it."""
    assert release_of(number) is RELEASES[Version(known)]


def test_an_unknown_release_counts_as_the_nearest_known_one() -> None:
    """The bounds refuse it before it matters; an older one counts as the oldest."""
    assert release_of("1.99.0") is RELEASES[max(RELEASES)]
    assert release_of("1.9.0") is RELEASES[min(RELEASES)]


def test_each_known_release_is_within_the_bounds() -> None:
    """And each minor release within the bounds is known."""
    bounds = stated_bounds()["dbt-core"]
    assert isinstance(bounds, SpecifierSet)
    within = [minor for minor in range(30) if any(bounds.contains(f"1.{minor}.{patch}") for patch in range(30))]
    assert [f"1.{minor}" for minor in within] == [str(release) for release in sorted(RELEASES)]


def test_a_release_without_env_files_reads_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """dbt 1.11 ignores `.env`, so elt does."""
    monkeypatch.setattr(releases, "installed_release", lambda: RELEASES[Version("1.11")])
    monkeypatch.delenv("OF_A_FILE", raising=False)
    (tmp_path / ".env").write_text("OF_A_FILE=1")
    load_env_file(tmp_path)
    assert "OF_A_FILE" not in releases_environment()


@pytest.mark.skipif(not installed_release().reads_env_file, reason="dbt 1.12 and later")
def test_the_nearest_env_file_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file in the project, else that of the nearest folder above; one is read, not both."""
    for name in ("NEAR", "FAR"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    (tmp_path / ".env").write_text("FAR=1")
    (tmp_path / "a" / ".env").write_text("NEAR=1")
    load_env_file(folder)
    environment = releases_environment()
    assert environment.get("NEAR") == "1"
    assert "FAR" not in environment


def releases_environment() -> dict[str, str]:
    import os

    return dict(os.environ)


@pytest.mark.parametrize(
    "text", ["[WARNING]: a model warns", "[\x1b[33mWARNING\x1b[0m]: a model warns", "a model warns"]
)
def test_the_tag_of_a_warning_is_removed(text: str) -> None:
    """With colours and without; elt says by itself that it is a warning."""
    assert without_tag(text) == "a model warns"
    assert without_tag("the word [WARNING]: stays") == "the word [WARNING]: stays"
