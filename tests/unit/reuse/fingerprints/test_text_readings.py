"""The readings of templates are kept between commands, each under the digest of its text."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.adapters import reading_cache
from orchestrator.adapters.reading_cache import ReadingCache
from orchestrator.reuse.fingerprints import text_readings
from orchestrator.reuse.fingerprints.bare_code import bare_code
from orchestrator.reuse.fingerprints.digest import digest_of
from orchestrator.reuse.fingerprints.fragments import fragment_findings
from orchestrator.reuse.fingerprints.reading import read_argument, read_template
from orchestrator.reuse.fingerprints.text_readings import TextReadings, text_key

PIECES = (
    "select 1",
    "{{ ref('orders') }}",
    "{{ var('since', 1) }}",
    "{{ var(name) }}",
    "{{ env_var('REGION') }}",
    "{% set x = run_query('select 1') %}",
    "{{ shop.cents(amount) }}",
    "{{ run_started_at }}",
    "{{ config(pre_hook='delete {{ this }}') }}",
    "{{ flags.FULL_REFRESH }}",
    "{{ target.name }}",
    "{{ model.name }}",
    "{% for a in graph.nodes %}{{ a }}{% endfor %}",
    "{{ unheard_of }}",
    "{% not jinja",
)


def none_is_secret(_text: str) -> bool:
    return False


@given(st.lists(st.sampled_from(PIECES), max_size=5).map("\n".join))
def test_a_kept_reading_equals_the_one_that_was_made(text: str) -> None:
    """Also after it was written as JSON."""
    first = TextReadings()
    made = first.of(text)
    assert made == read_template(text)
    kept = json.loads(json.dumps(first.to_keep(first.new)))
    again = TextReadings(kept)
    assert again.of(text) == made
    assert not again.new


@given(st.lists(st.sampled_from((*PIECES, "-- a comment", "select random()", "from other")), max_size=5).map("\n".join))
def test_what_is_kept_of_a_text_is_what_is_found_in_it(text: str) -> None:
    """Its code without comments by digest, and what is not understood in words."""

    def found(readings: TextReadings) -> tuple[object, ...]:
        words = readings.words("fragment duckdb", text, lambda: fragment_findings(text, "duckdb"))
        return readings.of(text), readings.bare_code_digest(text), words

    first = TextReadings()
    assert found(first) == (read_template(text), digest_of(bare_code(text)), fragment_findings(text, "duckdb"))
    again = TextReadings(json.loads(json.dumps(first.to_keep(first.new))))
    assert found(again) == found(first)
    assert not again.new


def test_an_argument_is_read_as_dbt_evaluates_it() -> None:
    """A bare call counts as a template."""
    for text in ("ref('orders')", "{{ ref('orders') }}", "orders"):
        assert TextReadings().of_argument(text) == read_argument(text)


@pytest.mark.parametrize("damage", [{"vars": "since"}, {"vars": [1]}, {"no_such_field": True}, {"asks": [["x"]]}])
def test_a_damaged_reading_is_made_again(damage: dict[str, object]) -> None:
    """It is not trusted."""
    text = "{{ var('since') }}"
    readings = TextReadings({text_key(text): damage})
    assert readings.of(text) == read_template(text)
    assert readings.new == {text}


def test_the_next_command_reads_no_template_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a new text is read."""
    first = ReadingCache(tmp_path, none_is_secret)
    readings = first.load()
    made = readings.of("{{ var('since') }}")
    first.save(readings)
    asked: list[str] = []
    monkeypatch.setattr(text_readings, "read_template", lambda text: asked.append(text) or read_template(text))
    again = ReadingCache(tmp_path, none_is_secret).load()
    assert again.of("{{ var('since') }}") == made
    again.of("{{ var('until') }}")
    assert asked == ["{{ var('until') }}"]


def test_readings_of_other_code_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release of elt may read the same text otherwise."""
    cache = ReadingCache(tmp_path, none_is_secret)
    readings = cache.load()
    readings.of("{{ var('since') }}")
    cache.save(readings)
    monkeypatch.setattr(reading_cache, "code_that_reads", lambda: "other")
    again = ReadingCache(tmp_path, none_is_secret).load()
    again.of("{{ var('since') }}")
    assert again.new == {"{{ var('since') }}"}


def test_the_reading_of_a_text_with_a_secret_is_not_kept(tmp_path: Path) -> None:
    """It may contain a part of the text."""
    cache = ReadingCache(tmp_path, lambda text: "pa55" in text)
    readings = cache.load()
    readings.of("{{ shop.login('pa55word') }}")
    readings.of("{{ var('since') }}")
    cache.save(readings)
    (file,) = tmp_path.iterdir()
    assert "pa55word" not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"code": 1, "readings": []}', "{not json"])
def test_a_damaged_file_counts_as_empty(tmp_path: Path, content: str) -> None:
    """It is replaced."""
    (tmp_path / "readings.json").write_text(content)
    cache = ReadingCache(tmp_path, none_is_secret)
    readings = cache.load()
    readings.of("{{ var('since') }}")
    cache.save(readings)
    assert not ReadingCache(tmp_path, none_is_secret).load().new
    assert json.loads((tmp_path / "readings.json").read_text())["readings"]


def test_readings_that_are_not_used_are_dropped_when_there_are_many(tmp_path: Path, monkeypatch) -> None:
    """The file does not grow without end."""
    monkeypatch.setattr(reading_cache, "_MOST", 1)
    for text in ("{{ var('since') }}", "{{ var('until') }}"):
        cache = ReadingCache(tmp_path, none_is_secret)
        readings = cache.load()
        readings.of(text)
        cache.save(readings)
    assert [*json.loads((tmp_path / "readings.json").read_text())["readings"]] == [text_key("{{ var('until') }}")]
