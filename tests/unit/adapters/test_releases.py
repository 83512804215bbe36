"""What each release of dbt can do."""

import sys
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from orchestrator.adapters import versions
from orchestrator.adapters.dbt.bridge import releases
from orchestrator.adapters.dbt.bridge.releases import RELEASES, installed_release, load_env_file, release_of
from orchestrator.adapters.dbt.warning_tag import without_tag
from orchestrator.adapters.versions import stated_bounds
from orchestrator.errors import EnvFileError, MissingExtraError


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


@pytest.mark.parametrize("number", ["1.13.0", "2.0.0", None, "of yesterday"])
def test_no_env_file_is_read_for_a_release_that_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: str | None
) -> None:
    """It may lack the package that reads the file. What opens dbt says which release is installed."""
    installed_release.cache_clear()
    monkeypatch.setattr(releases, "version", lambda _tool: number)
    monkeypatch.setattr(versions, "version", lambda _tool: number)
    monkeypatch.setitem(sys.modules, "dotenv", None)
    (tmp_path / ".env").write_text("OF_A_FILE=1")
    try:
        load_env_file(tmp_path)
    finally:
        installed_release.cache_clear()


def test_the_package_that_reads_env_files_is_named_when_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dbt-core 1.12 can be installed without its requirements."""
    monkeypatch.setattr(releases, "installed_release", lambda: RELEASES[Version("1.12")])
    monkeypatch.setitem(sys.modules, "dotenv", None)
    with pytest.raises(MissingExtraError, match="dbt-core needs the package dotenv, which is not installed") as raised:
        load_env_file(tmp_path)
    assert "python-dotenv" in raised.value.hint


@pytest.mark.skipif(not installed_release().reads_env_file, reason="dbt 1.12 and later")
@pytest.mark.parametrize("content", [b"A=\xff\xfe\n", b"A=\0b\n"])
def test_an_env_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes) -> None:
    """It may be in any folder above the project."""
    (tmp_path / ".env").write_bytes(content)
    (tmp_path / "a").mkdir()
    with pytest.raises(EnvFileError, match="cannot be read") as raised:
        load_env_file(tmp_path / "a")
    assert str(tmp_path / ".env") in raised.value.message


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
